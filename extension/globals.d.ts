// The names that scripts of the extension share: for the type checker alone, nothing of this ships. What crosses a boundary is
// declared from src/protocol by the build; here are the names for it, and what content scripts leave for one another.

type Action = import("../target/xtask/types/protocol.js").Action;
type CardPart = import("../target/xtask/types/protocol.js").CardPart;
type ClassScore = import("../target/xtask/types/protocol.js").ClassScore;
type Correcting = import("../target/xtask/types/protocol.js").Correcting;
type Course = import("../target/xtask/types/protocol.js").Course;
type CoveredHere = import("../target/xtask/types/protocol.js").CoveredHere;
type CoveredInFrame = import("../target/xtask/types/protocol.js").CoveredInFrame;
type Edges = import("../target/xtask/types/protocol.js").Edges;
type FoundFrame = import("../target/xtask/types/protocol.js").FoundFrame;
type FoundPicture = import("../target/xtask/types/protocol.js").FoundPicture;
type FramePlace = import("../target/xtask/types/protocol.js").FramePlace;
type FrameRequest = import("../target/xtask/types/protocol.js").FrameRequest;
type FromMeasurer = import("../target/xtask/types/protocol.js").FromMeasurer;
type FromPacker = import("../target/xtask/types/protocol.js").FromPacker;
type FromProver = import("../target/xtask/types/protocol.js").FromProver;
type ModelStatus = import("../target/xtask/types/protocol.js").ModelStatus;
type NoGraphics = import("../target/xtask/types/protocol.js").NoGraphics;
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
type Sentiment = import("../target/xtask/types/protocol.js").Sentiment;
type Settings = import("../target/xtask/types/protocol.js").Settings;
type Shares = import("../target/xtask/types/protocol.js").Shares;
type SiteRule = import("../target/xtask/types/protocol.js").SiteRule;
type Spot = import("../target/xtask/types/protocol.js").Spot;
type Status = import("../target/xtask/types/protocol.js").Status;
type TabView = import("../target/xtask/types/protocol.js").TabView;
type TextVerdict = import("../target/xtask/types/protocol.js").TextVerdict;
type ToFrame = import("../target/xtask/types/protocol.js").ToFrame;
type ToOffscreen = import("../target/xtask/types/protocol.js").ToOffscreen;
type ToPage = import("../target/xtask/types/protocol.js").ToPage;
type ToProver = import("../target/xtask/types/protocol.js").ToProver;
type TurnedBox = import("../target/xtask/types/protocol.js").TurnedBox;
type UploadVerdict = import("../target/xtask/types/protocol.js").UploadVerdict;
type View = import("../target/xtask/types/protocol.js").View;
type WhyVerdict = import("../target/xtask/types/protocol.js").WhyVerdict;

/** Pixels as they are sent: Firefox's messages carry no ImageData. */
type Pixels = { width: number; height: number; data: Uint8ClampedArray };
type AskedWithPicture = "picture" | "seen" | "upload" | "decide" | "keepModel";
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

type Gpu = Awaited<ReturnType<typeof import("./gpu.js").openGpu>>;
type ReadPackaged = (file: string, nBytes: number, tellBytes: (nSoFar: number) => void) => Promise<Uint8Array>;
type Tab = chrome.tabs.Tab | undefined;

/** No file of this name: both flavours of the engine are made of the same Rust. */
declare module "sotto-engine" {
  export default function start(options: { module_or_path: URL }): Promise<unknown>;
  export function __wbg_reset_state(): void;
  export function startHost(flavour: string, place: string, readPackaged: ReadPackaged, store: typeof import("./store.js"), openHelpers: typeof import("./helpers.js").openHelpers): void;
  export function answer(message: unknown, sender: chrome.runtime.MessageSender): Promise<Reply>;
  export function connected(port: chrome.runtime.Port, isGone: () => boolean): Promise<void>;
  export function menuClicked(info: chrome.contextMenus.OnClickData, tab: Tab): Promise<void>;
  export function classifySelection(tab: Tab): Promise<void>;
  export function permissionsChanged(): Promise<void>;
  export function help(message: object): Promise<object>;
  export class Products {
    operations(): number;
    means(): string;
    multiply(): void;
    firstSums(): Int32Array;
    program(hasPackedDots: boolean): string;
    handTo(gpu: Gpu): Parameters<Gpu["run"]>[0];
  }
  export class Prover {
    fileOf(task: "text" | "picture"): string;
    load(task: "text" | "picture", file: Blob): Promise<void>;
    means(): string;
    memoryBytes(): number;
    judge(): void;
    read(nTokens: number): void;
    look(): void;
  }
  export function packModel(files: File[], tell: (said: FromPacker & { file?: Blob }) => void): Promise<void>;
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
  export function proof(): Promise<void>;
}
type PageName = Exclude<keyof typeof import("./pages/wasm/sotto.js"), "default">;

/** The engine finds them here: what browsers decode. */
declare var sottoFramesOf: typeof import("./frames.js").framesOf;
declare var sottoShrunk: typeof import("./frames.js").shrunk;
/** And what a page has loaded. */
declare var sottoLoaded: typeof import("./loaded.js").loadedFrom;

/** The page "How good is it?" finds them here: a file of the package that it judges, and what becomes of a way to the network. */
declare var sottoPackaged: (file: string) => Promise<Blob>;
declare var sottoSilence: {
  ways(): string[];
  /** `detail` is what refused it: the policy's directive, or the name of an error. */
  tried(way: string): Promise<{ way: string; outcome: "policy" | "refused" | "absent" | "out"; detail: string }>;
};

/** A service worker's: the pages of its origin. */
declare var clients: { matchAll(options: object): Promise<{ url: string; postMessage(message: unknown, transfer: Transferable[]): void }[]> };

/** A worker that judges beside the background; what is asked of it, and its answers, are src/protocol/helpers.rs. */
interface Helper {
  ask(message: object): Promise<unknown>;
  close(): void;
  gone: Promise<void>;
}
type HelperStart = Extract<ToOffscreen, { sotto: "helper" }>;
/** What the page that nobody sees is told. */
type ToUnseen = HelperStart | (Extract<ToOffscreen, { sotto: "frames" }> & { picture: Blob });

// ---- What content scripts leave for one another ----

type Child = Node | string;
/** `on…` are listeners for trusted events only; undefined is left out. */
type Properties = {
  style?: Record<string, string | number>;
  [name: string]: string | number | boolean | undefined | ((event: any) => unknown) | Record<string, string | number>;
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
  /** The form of a text that the language has for so many; `$1` is the count, the others come after it. */
  counted(key: string, count: number, ...parts: (string | number)[]): string;
  watch(host: HTMLElement, hidden: () => void, removed: () => boolean | void): void;
}

type ViewOf<Kind extends View["kind"]> = Extract<View, { kind: Kind }>;
/** What can come to be shown. */
type Shown = View | Broken["view"];
type Tone = "good" | "bad" | "calm" | "even";
/** Where a text can go. */
type Way = keyof Shares;

/** What a drawing needs of its surroundings. */
interface Surroundings {
  /** The text that was judged; empty where it is not known. */
  said: string;
  /** To be called when the drawing changed its size. */
  moved: () => void;
  /** Gives up what is under way; null where nobody can. */
  cancel: (() => void) | null;
}

/** A view, drawn. */
interface Drawing {
  /** What is read out when it comes. */
  body: (Element | string)[];
  /** How it came about. */
  note?: string;
  /** The verdict as a text to take along; without one there is no line below the body. */
  copy?: string;
  /** The verdict, where it can be explained. */
  why?: Sentiment | "" | false | undefined;
  /** The verdict, where it can be said to be wrong. */
  wrong?: TextVerdict | PictureVerdict | "" | null | undefined;
}

/** A sentiment in words. */
type Told = { label: string; share: string; tone: Tone };

/** A method, so that one that takes a view of one kind goes for one of these, too: it is called with those of its kind alone. */
interface AnyDrawer {
  draw(view: Shown, around: Surroundings): Drawing;
}

/** verdict.js: verdicts as a person sees them, and where other scripts add to that. */
interface SottoVerdict {
  draw(view: Shown, around: Surroundings): Drawing;
  elapsed(ms: number): string;
  extras: { sentences: (list: SentenceVerdict[], around: Surroundings) => Element[] };
  foot(drawing: Drawing, ...more: Element[]): Element[];
  kinds: { [Kind in View["kind"]]?: (view: ViewOf<Kind>, around: Surroundings) => Drawing };
  styles: Record<string, string>;
  tell(verdict: TextVerdict | SentenceVerdict): Told;
}

type WhyRequest = Extract<FrameRequest | PageRequest, { ask: "why" }>;

/** why.js: the words that pushed a verdict. */
interface SottoWhy {
  explain(
    place: { words: Element; told: Element },
    said: string,
    asking: {
      /** The verdict that is explained. */
      towards: Sentiment;
      request: { id: string; card?: StandingCard["request"] };
      port: chrome.runtime.Port;
      /** Where what is known early comes from. */
      listen: (hear: (why: WhyVerdict) => void) => void;
      isWanted: () => boolean;
      moved: () => void;
    },
  ): Promise<void>;
}

/** wrong.js: a person's word about a verdict. */
interface SottoWrong {
  /** Says it, and shows in `into` what is kept of it, with what else can be said. */
  correct(
    into: HTMLElement,
    verdict: TextVerdict | PictureVerdict,
    asking: { newId: () => string; moved: () => void },
  ): Promise<void>;
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

/** What is known of a card from the first word about its request. */
interface BegunCard {
  request: string | null | undefined;
  subject: Subject;
  focusBefore: HTMLElement | null;
  settled?: boolean;
  progress: ViewOf<"busy">;
  nReturns: number;
  timer: number;
  port: chrome.runtime.Port;
  watcher?: CloseWatcher;
}
/** One that waits a moment before it shows. */
interface WaitingCard extends BegunCard {
  host?: undefined;
}
/** One that a person sees. */
interface StandingCard extends BegunCard {
  host: HTMLElement;
  sheet: HTMLElement;
  body: HTMLElement;
  below: HTMLElement;
  footer: HTMLElement;
  why: HTMLButtonElement;
  wrong: HTMLButtonElement;
  /** The verdict that "This is wrong" is about. */
  verdict?: Drawing["wrong"];
  /** The verdict that "Why?" explains. */
  towards?: Drawing["why"];
}
/** The card that is open. */
type Card = WaitingCard | StandingCard;

/** A method for the same reason as [`AnyDrawer`]'s. */
interface AnyChange {
  change(view: Shown, card: Card): void;
}

/** card.js: the one card of this frame, and where other scripts add to it. */
interface SottoCard {
  changes: { [Kind in View["kind"]]?: (view: ViewOf<Kind>, card: Card) => void };
  dress(card: StandingCard): void;
  place(): void;
  open(): Card | null;
}

/** What a person decided of files over the threshold; `gone` where the page didn't let them. */
type Decision = "keep" | "upload" | "allow" | "gone";
/** `said` once the person said that Sotto is wrong about it. */
type Flagged = { file: File; verdict: PictureVerdict; said?: boolean };

/** dialog.js: what the upload guard says. */
interface SottoDialog {
  ask(flagged: Flagged[], saidWrong: (flagged: Flagged) => Promise<boolean>): Promise<Decision>;
  /** Returns what takes the line away. */
  line(message: string, options?: { lasting?: boolean }): () => void;
}

/** check.js: what becomes of files that the upload guard holds. */
interface SottoCheck {
  isSeen(file: File): boolean;
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

/** What protect.js knows of a picture in its frame. */
interface Guarded {
  /** Its number in this frame. */
  name: number;
  /** What its element says of it, for held.css and covered.css. */
  mark: string | null;
  film: boolean;
  /** `waiting` for a verdict; `late` has none, and is shown; `shown` by the person; `small` is no picture to speak of. */
  state: "loading" | "waiting" | "fine" | "small" | "covered" | "shown" | "late";
  verdict: PictureVerdict | null;
  /** Changes when the element shows another picture. */
  address: string;
  /** Whether its place was in view when it came. */
  soon: boolean;
  /** When it was there, as Date.now() says it. */
  cameMs: number;
  /** When somebody could see its place, by performance.now(); 0 before it is known whether anybody can. */
  readyAt: number;
  nTries: number;
}

/** screen.js: what only the screen shows of a protected frame. */
interface SottoScreen {
  /** Nobody waits for an element any more. */
  forget(element: Element): void;
  stop(): void;
  verdictOnScreen(element: Element, picture: Guarded): Promise<PictureVerdict | null>;
  /** Calls `hear` once, when most of an element is in view. */
  whenSeen(element: Element, hear: () => void): void;
}

/** films.js: what must be looked at again and again. */
interface SottoFilms {
  canvas(element: HTMLCanvasElement, picture: Guarded): void;
  film(element: Element, picture: Guarded): Promise<void>;
}

/** behind.js: the addresses that styles paint behind content. */
interface SottoBehind {
  pointed(by: string, path: EventTarget[]): void;
  /** Has an element looked at before the next frame is painted, and all that is in it. */
  soon(element: Element): void;
  stop(): void;
  urlsIn(urls: string): string[];
  /** All that are painted on an element, as one text; empty where there are none. */
  urlsOf(element: Element): string;
}

/** What the parts of protect.js are handed of it. */
interface ForScreen {
  isCurrent(element: Element, picture: Guarded): boolean;
  mark(element: Element, picture: Guarded, value: string | null): void;
  send(request: FrameAsk): Promise<Reply | undefined>;
  sideMin: number;
  waitWithPatience(): void;
}
interface ForFilms {
  areLookedAt(): boolean;
  isCurrent(element: Element, picture: Guarded): boolean;
  settle(element: Element, picture: Guarded, verdict: PictureVerdict | null, mayBeSeen: boolean): void;
  verdictOnPixels(element: Element, picture: Guarded): Promise<PictureVerdict | null>;
  verdictOnScreen(element: Element, picture: Guarded): Promise<PictureVerdict | null>;
}
interface ForBehind {
  look(element: Element): void;
  /** Has the whole page looked through in a while. */
  sweepSoon(): void;
}

/** protect.js: the pictures of a protected frame. */
interface SottoProtect {
  covered(): Map<Element, Guarded>;
  /** Whether nobody may see it without a passphrase. */
  isSealed(): boolean;
  report(): CoveredInFrame;
  reveal(name?: number | null): void;
  /** Called after each change, by whoever says so on the page. */
  onChange: (() => void) | null;
}

declare var sottoProtect: SottoProtect | undefined;
declare var sottoScreen: (protect: ForScreen) => SottoScreen;
declare var sottoFilms: (protect: ForFilms) => SottoFilms;
declare var sottoBehind: (protect: ForBehind) => SottoBehind;
declare var sottoCovers: true | undefined;
/** keeps.js: what has no verdict stays covered. */
declare var sottoKeeps: true | undefined;
declare var sottoSurface: SottoSurface;
declare var sottoVerdict: SottoVerdict;
declare var sottoWhy: SottoWhy;
declare var sottoWrong: SottoWrong;
/** On web pages alone. */
declare var sottoCard: SottoCard | undefined;
declare var sottoDialog: SottoDialog;
declare var sottoCheck: SottoCheck;
declare var sottoPixels: SottoPixels;
declare var sottoPicture: true | undefined;
declare var sottoPointer: SottoPointer | undefined;
declare var sottoScan: SottoScan | undefined;
declare var sottoSubject: Subject | undefined;
declare var sottoGuard: boolean | undefined;

// ---- What browsers have and their declarations don't ----

declare var GPUBufferUsage: { readonly COPY_DST: number; readonly COPY_SRC: number; readonly MAP_READ: number; readonly STORAGE: number; readonly UNIFORM: number };
declare var GPUMapMode: { readonly READ: number };

declare class CloseWatcher {
  onclose: (() => void) | null;
  destroy(): void;
}

declare namespace chrome.dom {
  export function openOrClosedShadowRoot(element: Element): ShadowRoot | null;
}
declare namespace chrome.runtime {
  export function connect(connectInfo: { name: string | null | undefined }): Port;
}

/** Firefox's, for content scripts: the window and an event as the page has them. */
declare var wrappedJSObject: { DataTransfer: typeof DataTransfer } | undefined;
interface ClipboardEvent {
  wrappedJSObject?: ClipboardEvent;
}

/** The DOM makes text of figures by itself. */
interface CSSStyleDeclaration {
  setProperty(property: string, value: string | number | null, priority?: string): void;
}

interface Element {
  /** Firefox's, for content scripts. */
  openOrClosedShadowRoot?: ShadowRoot | null;
  setAttribute(name: string, value: string | number | boolean): void;
}
interface ShadowRoot {
  /** Chromium's. */
  getSelection?(): Selection | null;
}
