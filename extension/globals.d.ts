// The names that scripts of the extension share: for the type checker alone, nothing of this ships. What crosses a boundary is
// declared from src/protocol by the build; here are the names for it, and what content scripts leave for one another.

type Action = import("../target/xtask/types/protocol.js").Action;
type ClassScore = import("../target/xtask/types/protocol.js").ClassScore;
type Course = import("../target/xtask/types/protocol.js").Course;
type Edges = import("../target/xtask/types/protocol.js").Edges;
type FoundFrame = import("../target/xtask/types/protocol.js").FoundFrame;
type FoundPicture = import("../target/xtask/types/protocol.js").FoundPicture;
type FramePlace = import("../target/xtask/types/protocol.js").FramePlace;
type FrameRequest = import("../target/xtask/types/protocol.js").FrameRequest;
type FromPacker = import("../target/xtask/types/protocol.js").FromPacker;
type ModelStatus = import("../target/xtask/types/protocol.js").ModelStatus;
type OwnModels = import("../target/xtask/types/protocol.js").OwnModels;
type PageRequest = import("../target/xtask/types/protocol.js").PageRequest;
type PictureRules = import("../target/xtask/types/protocol.js").PictureRules;
type PictureVerdict = import("../target/xtask/types/protocol.js").PictureVerdict;
type Point = import("../target/xtask/types/protocol.js").Point;
type PushedWord = import("../target/xtask/types/protocol.js").PushedWord;
type Reason = import("../target/xtask/types/protocol.js").Reason;
type Refusal = import("../target/xtask/types/protocol.js").Refusal;
type Reply = import("../target/xtask/types/protocol.js").Reply;
type ScanCounts = import("../target/xtask/types/protocol.js").ScanCounts;
type ScanWish = import("../target/xtask/types/protocol.js").ScanWish;
type Selected = import("../target/xtask/types/protocol.js").Selected;
type SentenceVerdict = import("../target/xtask/types/protocol.js").SentenceVerdict;
type Settings = import("../target/xtask/types/protocol.js").Settings;
type Spot = import("../target/xtask/types/protocol.js").Spot;
type Status = import("../target/xtask/types/protocol.js").Status;
type TabView = import("../target/xtask/types/protocol.js").TabView;
type TextVerdict = import("../target/xtask/types/protocol.js").TextVerdict;
type ToFrame = import("../target/xtask/types/protocol.js").ToFrame;
type ToOffscreen = import("../target/xtask/types/protocol.js").ToOffscreen;
type ToPage = import("../target/xtask/types/protocol.js").ToPage;
type TurnedBox = import("../target/xtask/types/protocol.js").TurnedBox;
type UploadVerdict = import("../target/xtask/types/protocol.js").UploadVerdict;
type View = import("../target/xtask/types/protocol.js").View;
type WhyVerdict = import("../target/xtask/types/protocol.js").WhyVerdict;

/** Pixels as they are sent: Firefox's messages carry no ImageData. */
type Pixels = { width: number; height: number; data: Uint8ClampedArray };
type AskedWithPicture = "picture" | "upload" | "decide" | "keepModel";
/** A request before it is sent: whoever sends it may name it, and a picture or file stands beside what the protocol describes. */
type Unsent<Request extends { id: string; ask: string }> = Request extends unknown
  ? Omit<Request, "id"> & { id?: string } & (Request["ask"] extends AskedWithPicture ? { picture: Blob | Pixels } : {})
  : never;
/** What a content script may ask of the background. */
type FrameAsk = Unsent<FrameRequest>;
/** What a page of Sotto's may ask of the background. */
type PageAsk = Unsent<PageRequest>;
/** The reply that answers with this. */
type Answered<Answer extends Reply["answer"]> = Extract<Reply, { answer: Answer }>;

/** What background.js says by itself when the engine broke: it doesn't know which request a card was for. */
type Broken = { sotto: "card"; request?: undefined; view: { kind: "refused"; reason: "internal"; detail?: undefined } };
/** What a content script hears. */
type Heard = ToFrame | Broken;

// ---- The engine, as wasm-bindgen makes it of src/web ----

type ReadPackaged = (file: string, nBytes: number, tellBytes: (nSoFar: number) => void) => Promise<Uint8Array>;
type Tab = chrome.tabs.Tab | undefined;

/** No file of this name: both flavours of the engine are made of the same Rust. */
declare module "sotto-engine" {
  export default function start(options: { module_or_path: URL }): Promise<unknown>;
  export function __wbg_reset_state(): void;
  export function startHost(flavour: string, place: string, readPackaged: ReadPackaged, store: typeof import("./store.js")): void;
  export function answer(message: unknown, sender: chrome.runtime.MessageSender): Promise<Reply>;
  export function connected(port: chrome.runtime.Port, isGone: () => boolean): Promise<void>;
  export function menuClicked(info: chrome.contextMenus.OnClickData, tab: Tab): Promise<void>;
  export function classifySelection(tab: Tab): Promise<void>;
  export function permissionsChanged(): Promise<void>;
  export function packModel(files: File[], tell: (percent: number) => void): Promise<unknown>;
}
declare module "*/relaxed/sotto.js" {
  export * from "sotto-engine";
  export { default } from "sotto-engine";
}
declare module "*/simd128/sotto.js" {
  export * from "sotto-engine";
  export { default } from "sotto-engine";
}
type EngineGlue = typeof import("sotto-engine");

/** The pages of src/web/pages: each starts by a function that its `data-page` names. */
declare module "*/wasm/sotto.js" {
  export default function start(options: { module_or_path: URL }): Promise<unknown>;
  export function popup(): Promise<void>;
  export function options(): Promise<void>;
  export function welcome(): Promise<void>;
  export function privacy(): Promise<void>;
}
type PageName = Exclude<keyof typeof import("./pages/wasm/sotto.js"), "default">;

/** The engine finds it here: it decodes what a worker can't. */
declare var sottoFramesOf: typeof import("./frames.js").framesOf;

// ---- What content scripts leave for one another ----

type Child = Node | string | null | undefined;
/** `on…` are listeners for trusted events only; null and undefined are left out. */
type Properties = {
  style?: Record<string, string | number>;
  [name: string]: string | number | boolean | null | undefined | ((event: any) => unknown) | Record<string, string | number>;
};

/** surface.js: what Sotto draws on a page stands in it. */
interface SottoSurface {
  make<Tag extends keyof HTMLElementTagNameMap>(tag: Tag, properties?: Properties, ...children: Child[]): HTMLElementTagNameMap[Tag];
  mark(): HTMLElement;
  move(host: HTMLElement, left: number, top: number): void;
  ofPage<Name extends keyof Document>(name: Name): Document[Name];
  open(content: HTMLElement, style: string, subject?: Element | null): HTMLElement | null;
  percent(share: number): string;
  restyle(host: HTMLElement, style: string): void;
  text(key: string, ...parts: (string | number)[]): string;
  watch(host: HTMLElement, hidden: () => void, removed: () => boolean | void): void;
}

/** What a card speaks of: the selection or the picture. */
interface Subject {
  text?: string;
  cut?: boolean;
  element?: Element | null;
  editable?: boolean;
  where?: () => DOMRect | null | undefined;
  rect?: DOMRect;
}

/** What a view becomes on the card. */
interface CardParts {
  body: Child[];
  note?: string;
  copy?: string | null;
  why?: boolean;
}

type ViewOf<Kind extends View["kind"]> = Extract<View, { kind: Kind }>;

/** The card that is open. */
interface Card {
  request: string | undefined;
  subject: Subject;
  focusBefore: Element | null;
  settled: boolean;
  progress: { loaded: number | null; read: number | null };
  nReturns: number;
  timer: number;
  port: chrome.runtime.Port;
  watcher?: CloseWatcher;
  host: HTMLElement | null;
  sheet: HTMLElement;
  body: HTMLElement;
  below: HTMLElement;
  note: HTMLElement;
  footer: HTMLElement;
  why: HTMLButtonElement;
  copy: HTMLButtonElement;
  copyText: string | null;
}

/** card.js: the one card of this frame, and where other scripts add to it. */
interface SottoCard {
  ask(request: FrameAsk): Promise<Reply>;
  bodies: { [Kind in View["kind"]]?: (view: ViewOf<Kind>) => CardParts };
  changes: { [Kind in View["kind"]]?: (view: ViewOf<Kind>) => void };
  dress(): void;
  extras: { sentences(list: SentenceVerdict[], said: string): Child[]; styles: Record<string, string> };
  place(): void;
  open(): Card | null;
}

/** What a person decided of files over the threshold; `gone` where the page didn't let them. */
type Decision = "keep" | "upload" | "allow" | "gone";
type Flagged = { file: File; verdict: PictureVerdict };

/** dialog.js: what the upload guard says. */
interface SottoDialog {
  ask(flagged: Flagged[]): Promise<Decision>;
  /** Returns what takes the line away. */
  line(message: string, options?: { lasting?: boolean }): () => void;
}

/** check.js: what becomes of files that the upload guard holds. */
interface SottoCheck {
  isImage(file: File): boolean;
  judge(files: File[]): Promise<{ passed: File[]; allowed: boolean }>;
  passesUnseen(): void;
  stillWatched(): Promise<boolean>;
}

/** An element that may paint a picture, with what the different kinds of it have. */
interface PictureElement extends Element {
  complete?: boolean;
  currentSrc?: string;
  href?: SVGAnimatedString;
  naturalHeight?: number;
  naturalWidth?: number;
  offsetHeight?: number;
  offsetWidth?: number;
  poster?: string;
  src?: string;
  style: CSSStyleDeclaration;
  videoHeight?: number;
  videoWidth?: number;
}

type Place = { rect: Edges; upright: TurnedBox | null; partlyVisible: boolean };
/** Where a frame stands whose place is known. */
type Corner = Exclude<FramePlace, { index: number }>;

/** pixels.js: what can be had of a picture on a page. */
interface SottoPixels {
  cornerOfIndex(index: number): Corner | null;
  frameInTab(): FramePlace | null;
  parentOf(element: Element): Element | null;
  pixelsOf(element: PictureElement, sideMax?: number): Pixels | null;
  placeOf(element: PictureElement): Place | null;
  roots(root?: Document | ShadowRoot): Generator<Document | ShadowRoot, void, undefined>;
  shadowOf(element: Element): ShadowRoot | null;
  viewOfTab(): TabView | null;
}

/** pointer.js: where the page was last right-clicked. */
interface SottoPointer {
  last(): (Point & { element: EventTarget | undefined }) | null;
}

/** scan.js: the pictures of this frame that were looked at. */
interface SottoScan {
  counts(): ScanCounts;
  verdictUnderCover(element: PictureElement): PictureVerdict | null | undefined;
}

declare var sottoSurface: SottoSurface;
declare var sottoCard: SottoCard;
declare var sottoDialog: SottoDialog;
declare var sottoCheck: SottoCheck;
declare var sottoPixels: SottoPixels;
declare var sottoPicture: true | undefined;
declare var sottoPointer: SottoPointer | undefined;
declare var sottoScan: SottoScan | undefined;
declare var sottoSubject: Subject | undefined;
declare var sottoGuard: boolean | undefined;

// ---- What browsers have and their declarations don't ----

declare class CloseWatcher {
  onclose: (() => void) | null;
  destroy(): void;
}

declare namespace chrome.dom {
  export function openOrClosedShadowRoot(element: Element): ShadowRoot | null;
}
declare namespace chrome.runtime {
  export function connect(connectInfo: { name: string }): Port;
}

interface Element {
  /** Firefox's, for content scripts. */
  openOrClosedShadowRoot?: ShadowRoot | null;
}
interface ShadowRoot {
  /** Chromium's. */
  getSelection?(): Selection | null;
}
