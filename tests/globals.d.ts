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

/** What each request of a page's is answered with, where it isn't refused; "done" where nothing is said here. */
type Answers = {
  text: "text";
  selection: "text";
  why: "why";
  shownText: "shownText";
  picture: "picture";
  scan: "scan";
  pictureRules: "pictureRules";
  status: "status";
  settings: "settings";
  ownModels: "ownModels";
  keepModel: "ownModels";
  chooseModel: "ownModels";
  removeModel: "ownModels";
  covered: "covered";
  correct: "corrected";
  corrections: "corrections";
  useCorrections: "corrections";
  addCorrections: "corrections";
  removeCorrections: "corrections";
};
type AnswerTo<Name> = Name extends keyof Answers ? Answers[Name] : "done";
/** A reply as tests read it: what they hope for, or what they then show of a refusal. */
type ReplyTo<Name> = Omit<Answered<AnswerTo<Name>>, "answer"> & { answer: Reply["answer"] } & Partial<Refusal>;

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

/** Of a layout that shifted. */
interface PerformanceEntry {
  sources?: { node?: Node | null }[];
  value?: number;
}

// Firefox's own, in its windows.
declare const Cc: any;
declare const ChromeUtils: any;
declare const Ci: any;
declare const Components: any;
declare const Cu: any;
declare const PopupNotifications: any;
declare const Services: any;
declare const WebExtensionPolicy: any;
declare const gBrowser: any;
declare var sottoAsked: { byExtension: string[]; elsewhere: string[]; nByPages: number };
declare var sottoPicked: string[];
declare var sottoPasted: ClipboardEvent;
declare var sottoTransfer: DataTransfer;

type Truthy<Value> = Exclude<Value, null | undefined | false | 0 | "">;
// What harness/pixels.js leaves in the service worker.
declare var nativeRead: OffscreenCanvasRenderingContext2D["getImageData"] | undefined;
declare var lastSeen: { width: number; height: number; base64: string } | null | undefined;

declare namespace chrome.storage {
  export interface StorageArea {
    /** Everything. */
    get(keys: null): Promise<{ [name: string]: any }>;
  }
}
declare namespace chrome.scripting {
  export function executeScript<Given extends unknown[]>(injection: {
    target: InjectionTarget;
    func: (...given: Given) => unknown;
    args: Given;
  }): Promise<InjectionResult[]>;
}

// What tests and benches leave in pages and workers, under these names, for their next call there.
declare var uploads: { seen: { where: string; event: string; files: string[] }[]; [name: string]: any };
declare var captured: any[], flood: any[], heard: any[], replies: any[], shifts: any[];
declare var answeredAt: any, ask: any, asked: any, bench: any, changed: any, clicks: any, cut: any, deletion: any;
declare var before: any, gone: any, hasHidden: any, hasRemoved: any, held: any, keys: any, lastClick: any, loadBattery: any;
declare var compile: any, compileText: any, loadCases: any, loseDevice: any, refusal: any, runProduct: any;
declare var longest: any, longestGap: any, moved: any, nChanges: any, nPackageReads: any, nSaved: any, nSpots: any;
declare var nativeSend: any, packer: any, picture: any, pictureLessMean: any, pictureRgb: any, port: any, restless: any, runCase: any, said: any, seen: any;
declare var settled: any, shares: any, shown: any, sottoDrawn: any, stages: any, tellManaged: any;
declare var answerAs: any, carried: any, goOn: any, mostOpen: any, nRefused: any, nativeScript: any, openAsBefore: any, trusted: any;
declare var bitmapAsBefore: any, captureAsBefore: any, containsAsBefore: any, nCaptures: any, taken: any, version: any;
declare var wanted: any, wasGesture: any, withWeights: any, feed: any, roots: any, smallOf: any;
// Elements of fixtures, by their ids.
declare var long: any, select_closed: any, select_open: any;

// Of tests/supply/package.json, which is installed apart; what is asked of them is all that is declared.
declare module "acorn" {
  export function parse(text: string, options: { ecmaVersion: "latest" }): object;
}
declare module "css-tree" {
  export function parse(text: string, options: { parseCustomProperty: boolean; onParseError: (error: Error) => void }): object;
  export function generate(tree: object): string;
}

// Of benches/package.json, installed by the bench alone.
declare module "esbuild";
declare module "onnxruntime-web/wasm";
declare module "@huggingface/transformers";
declare module "@tensorflow/tfjs";
declare module "@tensorflow/tfjs-backend-wasm";
declare module "nsfwjs/core";
declare module "nsfwjs/models/mobilenet_v2";

declare function showOpenFilePicker(options?: { multiple: boolean }): Promise<FileSystemFileHandle[]>;

/** A row of a bench's table. */
type Row = { kind?: string; engine: string; version: string; task: string; unit: string; values: number[] };
type Bare = Awaited<ReturnType<typeof import("./browser/harness/bare.js").launchBare>>;
/** What a soak asks: a text, or a picture made from a seed. */
type Probe = { name: string; text?: string; seed?: number };
type Load = import("./browser/soak/load.js").Load;

// A test that looks for what isn't there fails by itself, and needs no words for it.
interface RegExp {
  exec(text: string): RegExpExecArray;
}
interface String {
  match(pattern: RegExp): RegExpMatchArray;
}
interface Array<T> {
  find(wanted: (element: T, index: number, all: T[]) => unknown): T;
  pop(): T;
  shift(): T;
}
interface Map<K, V> {
  get(key: K): V;
}

/** What a store's linter says. */
type Finding = { code: string; file: string; message: string };
