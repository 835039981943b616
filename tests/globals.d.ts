// For the type checker alone: names that tests and benches share, and what browsers have that no declaration knows.

type BrowserContext = import("playwright-core").BrowserContext;
type CDPSession = import("playwright-core").CDPSession;
type Frame = import("playwright-core").Frame;
type Page = import("playwright-core").Page;

/** The extension in a browser. */
type Sotto = Awaited<ReturnType<typeof import("./browser/harness/sotto.js").startSotto>>;
/** The same in Firefox. */
type Firefox = Awaited<ReturnType<typeof import("./browser/harness/firefox.js").startFirefox>>;
type Fixtures = Awaited<ReturnType<typeof import("./browser/harness/server.js").serve>>;
/** The isolated world of the extension's scripts in a page. */
type ContentWorld = Awaited<ReturnType<typeof import("./browser/harness/isolated.js").contentScript>>;
/** What a person clicked on, as the browser tells the extension. */
type MenuClick = { menuItemId: string; selectionText?: string; mediaType?: string; srcUrl?: string; frameId?: number };
/** What of a node the debugger tells. */
type DomNode = import("./browser/harness/shadow.js").DomNode;

/** What node calls a server that listens to a port. */
type Listening = import("node:net").AddressInfo;

// What a test asks of a page it made itself: an element that isn't there fails the test anyway, and says so.
interface ParentNode {
  querySelector(selectors: string): any;
  querySelectorAll(selectors: string): NodeListOf<any>;
}
interface NonElementParentNode {
  getElementById(elementId: string): any;
}
interface Document {
  getElementById(elementId: string): any;
}

// Chromium lets an extension fire the events that it listens to.
declare namespace chrome.events {
  export interface Event<H extends (...args: any) => void, C = void, A = void> {
    dispatch(...given: unknown[]): void;
  }
}

// A browser that has it makes a request with it; none of its declarations do.
declare function fetchLater(address: string, options: { activateAfter: number }): unknown;

// Firefox's own, in its windows.
declare const Ci: any;
declare const PopupNotifications: any;
declare const Services: any;
declare const WebExtensionPolicy: any;
declare const gBrowser: any;
declare var sottoAsked: { byExtension: string[]; elsewhere: string[]; nByPages: number };

type Truthy<Value> = Exclude<Value, null | undefined | false | 0 | "">;
// What harness/pixels.js leaves in the service worker.
declare var nativeRead: OffscreenCanvasRenderingContext2D["getImageData"] | undefined;
declare var lastSeen: { width: number; height: number; base64: string } | null | undefined;

declare namespace chrome.scripting {
  export function executeScript<Given extends unknown[]>(injection: {
    target: InjectionTarget;
    func: (...given: Given) => unknown;
    args: Given;
  }): Promise<InjectionResult[]>;
}
