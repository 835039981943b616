// What becomes of files that the upload guard holds: each picture is judged in the background, the person is asked about
// those over the threshold, and the files that may pass come back in their order. It must never touch a page's element,
// and never keep a file back without the person's word: what can't be judged within five seconds passes, with a notice.

globalThis.sottoCheck ??= (() => {
  const { counted, text } = globalThis.sottoSurface;
  const { ask, line } = globalThis.sottoDialog;

  const PATIENCE_MS = 5000;
  const QUIET_MS = 300;
  /** The browser decodes some while the engine judges another. */
  const AT_ONCE = 4;
  /** Also what few browsers open: whoever uploads that is told that nobody looked. */
  const SEEN_NAME = /\.(avif|avifs|bmp|gif|ico|jfif|jpe?g|pjp|pjpeg|png|svg|webp|3gp|avi|flv|m4v|mkv|mov|mp4|mpe?g|ogv|webm|wmv|hei[cf]s?|hif|jp2|jxl|psd|tiff?|arw|cr[23]|dng|nef|or[fi]|raf|rw2)$/i;
  /**
   * What formats are called in any language.
   * @type {Partial<Record<Reason, string>>}
   */
  const FORMATS = {
    heicPicture: "HEIC", jpeg2000Picture: "JPEG 2000", jpegXlPicture: "JPEG XL", pdfFile: "PDF", photoshopPicture: "PSD", rawPicture: "RAW",
    svgPicture: "SVG", tiffPicture: "TIFF",
  };

  /**
   * Pictures and films.
   * @param {File} file
   */
  const isSeen = (file) => /^(image|video)\//.test(file.type) || SEEN_NAME.test(file.name);
  const newName = () => crypto.getRandomValues(new Uint32Array(2)).join("-");
  /**
   * @param {FrameAsk} request
   * @returns {Promise<Reply | undefined>}
   */
  const send = (request) => chrome.runtime.sendMessage({ id: newName(), ...request });

  /**
   * `passed`: the files that may pass, in their order; `allowed`: whether the person wants no more guard on this site.
   * @param {File[]} files
   */
  async function judge(files) {
    const { flagged, heldBack, notice } = await check(files.filter(isSeen));
    if (notice) line(notice, { lasting: true });
    const kept = new Set(heldBack);
    let decision = /** @type {Decision} */ ("upload");
    if (flagged.length) {
      decision = await ask(flagged, saidWrong);
      const upload = decision === "upload" || decision === "allow";
      const left = flagged.filter(({ said }) => !said);
      if (!upload) for (const { file } of left) kept.add(file);
      // A page that took the question away decided nothing.
      if (decision !== "gone") void remember(left, upload);
      else line(text("guardGone"), { lasting: true });
    }
    if (heldBack.length) {
      line(counted("guardKept", heldBack.length, heldBack[0].name), { lasting: true });
    }
    const allowed = decision === "allow";
    if (allowed) send({ ask: "allowHere" }).catch(() => {});
    return { passed: files.filter((file) => !kept.has(file)), allowed };
  }

  /**
   * Kept for these files and this site until the browser closes; one after the other, because they are kept in one place.
   * @param {Flagged[]} flagged
   * @param {boolean} upload
   */
  async function remember(flagged, upload) {
    for (const { file } of flagged) await send({ ask: "decide", upload, picture: file }).catch(() => {});
  }

  /**
   * Keeps that Sotto is wrong about a file; whether it is kept.
   * @param {Flagged} flagged
   */
  async function saidWrong(flagged) {
    const reply = await send({ ask: "correct", of: flagged.verdict.correctAs ?? "", word: "wrong" }).catch(() => undefined);
    return (flagged.said = reply?.answer === "corrected");
  }

  /** @param {File[]} images */
  async function check(images) {
    const found = /** @type {Map<File, Answered<"upload"> | Reason>} */ (new Map());
    let late = false;
    let removeLine = /** @type {(() => void) | null} */ (null);
    const message = counted("checking", images.length, images[0]?.name ?? "");
    const quiet = setTimeout(() => (removeLine = line(message)), QUIET_MS);
    const waiting = [...images];
    const name = newName();
    let connection = /** @type {chrome.runtime.Port | null} */ (null);
    /** Closed by us, or with this document, it gives up what is asked below its name. */
    const hold = () => {
      if (connection) return;
      try {
        connection = chrome.runtime.connect({ name });
        connection.onDisconnect.addListener(() => (connection = null));
      } catch {
        // The extension was updated or removed; then nothing is asked either.
      }
    };
    const worker = async () => {
      for (let file; !late && (file = waiting.shift()); ) {
        const upload = await verdictOn(file, `${name}/${waiting.length}`, hold);
        if (!late) found.set(file, upload);
      }
    };
    let patience = 0;
    const tooLong = new Promise((resolve) => (patience = setTimeout(resolve, PATIENCE_MS)));
    const workers = Array.from({ length: AT_ONCE }, worker);
    await Promise.race([tooLong, Promise.all(workers)]);
    connection?.disconnect();
    late = found.size < images.length;
    clearTimeout(patience);
    clearTimeout(quiet);
    removeLine?.();
    const flagged = /** @type {Flagged[]} */ ([]);
    const heldBack = /** @type {File[]} */ ([]);
    const unread = /** @type {[File, Reason][]} */ ([]);
    for (const file of images) {
      const said = found.get(file);
      if (typeof said === "string") unread.push([file, said]);
      else if (said?.course === "ask") flagged.push({ file, verdict: said.verdict });
      else if (said?.course === "holdBack") heldBack.push(file);
    }
    const notices = [];
    if (late && images.length > 1) notices.push(counted("guardLateMany", images.length - found.size, images.length));
    else if (late) notices.push(text("guardLate"));
    if (unread.length) notices.push(unchecked(unread));
    return { flagged, heldBack, notice: notices.join(" ") };
  }

  /**
   * Which files passed unchecked, why, and what can be done about it where that is the same for all of them.
   * @param {[File, Reason][]} unread
   */
  function unchecked(unread) {
    const [[{ name }, reason], ...others] = unread;
    const advice = others.every(([, other]) => other === reason) ? ` ${text(`refused_${reason}`)}` : "";
    if (!others.length) return text("guardUnchecked", name) + advice;
    const format = FORMATS[reason];
    return counted("guardUncheckedMany", others.length, format ? `${name} (${format})` : name) + advice;
  }

  /**
   * What the background says of a file, or why it can't. A background that died is asked once more.
   * @param {File} file
   * @param {string} id
   * @param {() => void} hold
   * @returns {Promise<Answered<"upload"> | Reason>}
   */
  async function verdictOn(file, id, hold) {
    for (let attempt = 0; attempt < 2; attempt += 1) {
      try {
        const asked = send({ id, ask: "upload", picture: file });
        // After the message, by which the background learns which model to read while it starts.
        hold();
        const reply = await asked;
        if (reply?.answer === "upload") return reply;
        // A background that is stopped in the middle now and then answers nothing; then, too, it is asked again.
        if (reply?.answer === "refused" && reply.reason !== "internal") return reply.reason;
      } catch {
        // The background was stopped in the middle; the next message starts it again.
      }
    }
    return "internal";
  }

  /** Whether this frame's site is still watched; a background that can't say is taken for a yes. */
  const stillWatched = () => send({ ask: "watched" }).then((reply) => reply?.answer !== "refused" || reply.reason === "internal", () => true);

  const passesUnseen = () => void line(text("guardFolder"), { lasting: true });

  return { isSeen, judge, passesUnseen, stillWatched };
})();
