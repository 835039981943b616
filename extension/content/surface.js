// What Sotto draws on a page stands here: a host in the top layer with a closed shadow root, so that page scripts
// can't read it and page styles can't bend it. It must never read the page and never know what is shown.

globalThis.sottoSurface ??= (() => {
  const STYLE = `
    @palette;
    .on-top { position: absolute; width: 0; height: 1px; }
    :host(:popover-open) .on-top { height: 2px; }
    * { box-sizing: border-box; margin: 0; font: inherit; color: inherit; }
    .sheet {
      font: 400 14px/1.45 system-ui, sans-serif; color: var(--ink);
      background: var(--paper); border: 1px solid var(--line); border-radius: 14px; outline: none; cursor: default;
      box-shadow: 0 12px 32px palette(--shade); overflow-wrap: anywhere;
    }
    button {
      border: 1px solid var(--line); border-radius: 8px; background: var(--paper); padding: 5px 12px; cursor: pointer;
      font-weight: 500; flex: none;
    }
    button:hover { background: var(--soft); }
    button.bare { border-color: transparent; background: none; padding: 4px 8px; color: var(--quiet); }
    button.bare:hover { background: var(--soft); color: var(--ink); }
    :focus-visible { outline: 2px solid var(--accent); outline-offset: 2px; }
    .sheet:focus-visible { outline: none; }
    h2 { font-size: 14px; font-weight: 600; }
    .mark { flex: none; width: 18px; height: 18px; border-radius: 5px; background: palette(--brand); }
    .mark::after { content: ""; display: block; margin: 6px 3px; height: 6px; border-radius: 2px 2px 9px 9px; background: palette(--on-brand); }
    @media (prefers-reduced-motion: no-preference) {
      .sheet { animation: come .12s ease-out; }
      @keyframes come { from { opacity: 0; transform: translateY(4px); } }
    }
  `;
  /**
   * Inline and important: stronger than any style sheet of the page.
   * @param {HTMLElement} host
   * @param {string} name
   * @param {string | number} value
   */
  const pin = (host, name, value) => host.style.setProperty(name, value, "important");

  /** @type {WeakMap<HTMLElement, ShadowRoot>} */
  const roots = new WeakMap();
  /**
   * By their text: the browser reads each once, and all of the page's hosts share it.
   * @type {Record<string, CSSStyleSheet>}
   */
  const sheets = {};

  /**
   * A property of the document itself: a form or image named like one stands in front of it on `document`.
   * @type {SottoSurface["ofPage"]}
   */
  const ofPage = (name) => Reflect.get(Document.prototype, name, document);
  const createElement = Document.prototype.createElement.bind(document);

  /** @type {SottoSurface["text"]} */
  const text = (key, ...parts) => chrome.i18n.getMessage(key, parts.map(String)) || key;
  /** The language that the texts are in, which is not the browser's where Sotto does not speak that one. */
  const language = text("languageTag");

  /** @type {SottoSurface["counted"]} */
  const counted = (key, count, ...parts) => text(`${key}_${new Intl.PluralRules(language).select(count)}`, count, ...parts);

  /**
   * An element with properties (on… are listeners for trusted events only) and children.
   * @template {keyof HTMLElementTagNameMap} Tag
   * @param {Tag} tag
   * @param {Properties} [properties]
   * @param {...Child} children
   * @returns {HTMLElementTagNameMap[Tag]}
   */
  function make(tag, properties = {}, ...children) {
    const element = createElement(tag);
    if (tag === "button") element.setAttribute("type", tag);
    for (const [name, value] of Object.entries(properties)) {
      if (typeof value === "function") element.addEventListener(name.slice(2), (event) => event.isTrusted && value(event));
      else if (typeof value === "object") Object.assign(element.style, value);
      else if (value !== undefined) element.setAttribute(name, value);
    }
    element.append(...children);
    return element;
  }

  /**
   * Puts `content` on the page's top layer. Returns the host, or null on a page without a place for it.
   * @param {HTMLElement} content
   * @param {string} style
   * @param {Element | null} [subject]
   */
  function open(content, style, subject) {
    // Outside a modal dialog of the page everything is inert, and a click outside a popover closes that: so the host goes
    // into what the subject stands in.
    const modals = ofPage("querySelectorAll").call(document, ":modal");
    const around = subject && Element.prototype.closest.call(subject, ":modal, :popover-open");
    const home = around ?? [...modals].pop() ?? ofPage("documentElement");
    if (!home) return null;
    const host = createElement("div");
    host.style.cssText = "all:initial!important;display:block!important;position:fixed!important";
    const root = host.attachShadow({ mode: "closed" });
    roots.set(host, root);
    restyle(host, style);
    content.dir = text("languageDirection");
    content.lang = language;
    root.append(content, make("i", { class: "on-top" }));
    // Keys and clicks inside what is ours are none of the page's business: no shortcut of a page, no "click outside".
    for (const type of ["keydown", "keyup", "keypress", "click", "mousedown", "pointerdown"]) root.addEventListener(type, (event) => event.stopPropagation());
    host.popover = "manual";
    show(host, home);
    return host;
  }

  /**
   * @param {HTMLElement} host
   * @param {Element} home
   */
  function show(host, home) {
    // A page that zooms its root would zoom what is ours, and move it. Asked while there is nothing new to lay out.
    pin(host, "zoom", 1 / (home.currentCSSZoom ?? 1));
    home.append(host);
    host.showPopover();
  }

  /**
   * Calls `hidden` when the host left the top layer, and `removed` when it left the page, to come back if that answers
   * true. Page scripts can stop any event on its way, but no observer.
   * @param {HTMLElement} host
   * @param {() => void} hidden
   * @param {() => boolean | void} removed
   */
  function watch(host, hidden, removed) {
    const home = /** @type {Element} */ (host.parentNode);
    const removals = new MutationObserver(() => {
      if (host.isConnected) return;
      if (removed()) show(host, home);
      else removals.disconnect();
    });
    removals.observe(home, { childList: true });
    // It tells of the marker's first size too, unless that is none: so a host that leaves before its first frame is seen as well.
    new ResizeObserver(([{ contentRect: marker }]) => {
      if (marker.height < 1.5 && host.isConnected) hidden();
    }).observe(/** @type {Element} */ (roots.get(host)?.querySelector(".on-top")));
  }

  /**
   * Gives a host another style for its content, beside what all of Sotto's surfaces share.
   * @param {HTMLElement} host
   * @param {string} style
   */
  function restyle(host, style) {
    const root = /** @type {ShadowRoot} */ (roots.get(host));
    try {
      // A page's content security policy may forbid style elements, but not this.
      if (!sheets[style]) (sheets[style] = new CSSStyleSheet()).replaceSync(STYLE + style);
      root.adoptedStyleSheets = [sheets[style]];
    } catch {
      // Firefox refuses constructed sheets from a content script.
      root.querySelector("style")?.remove();
      root.append(make("style", {}, STYLE + style));
    }
  }

  /**
   * Moves the host to a place in the viewport, in CSS pixels.
   * @param {HTMLElement} host
   * @param {number} left
   * @param {number} top
   */
  function move(host, left, top) {
    pin(host, "left", `${Math.round(left)}px`);
    pin(host, "top", `${Math.round(top)}px`);
  }

  /** The little mark that says whose card this is; its shape is in the style. */
  const mark = () => make("span", { class: "mark", "aria-hidden": "true" });

  /**
   * Nothing is ever quite sure: a share is said as at most 99 %. Before the browser's own way of writing numbers is there, ten
   * milliseconds go by.
   * @param {number} share
   */
  const percent = (share) => text("percent", Math.round(Math.min(share, 0.99) * 100));

  return { counted, make, mark, move, ofPage, open, percent, restyle, text, watch };
})();
