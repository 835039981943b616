// "Measure this computer" in the settings: what it says of a processor alone, of a graphics processor that is played in software,
// is lost, computes wrong or is too small, and of one that works; and that nothing of it begins before the click. There is no
// real one here, so where a test wants one, its worker takes the software one, in a copy of dist/ that differs in that.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { complaints } from "../harness/axe.js";
import { editFile, eventually, screenshot, SOFTWARE_GPU } from "../harness/browser.js";
import { startSotto } from "../harness/sotto.js";

const PATIENCE_MS = 120_000;
/** 512 tokens through six layers, in millions: four products of 768 × 768 and two of 768 × 3072, each a multiplication and an addition. */
const OPERATIONS = (2 * 512 * 6 * (4 * 768 * 768 + 2 * 768 * 3072)) / 1e6;

/** @type {Sotto} */
let sotto;
/** @type {Page} */
let page;

/** The settings, with the section unfolded as a person does it. */
async function open() {
  page = await sotto.page(sotto.url("pages/options.html"));
  await page.waitForSelector("html[data-started]");
  assert.equal(await page.locator("#measure-start").isVisible(), false, "it is folded at first");
  await page.locator("details:has(#measure-start) > summary").click();
}

/** @param {string} id */
const says = (id) => page.locator(`#measure-${id}`).innerText();
const measured = () => eventually("the end", async () => /^Measured/.test(await says("said")), PATIENCE_MS);

/** What stands there at the end. */
async function measure() {
  await page.locator("#measure-start").click();
  await measured();
  assert.match(await says("processor"), /^[\d,.]+ ms$/);
  const how = await says("processor-how");
  assert.match(how, /^[\d,]+ GOP\/s: (relaxed SIMD, (fused dots|dots in parts)|SIMD, plain dots)$/);
  const [ms, gops] = [await says("processor"), how].map((text) => parseFloat(text.replace(",", "")));
  assert.ok(Math.abs(ms * gops / OPERATIONS - 1) < 0.05, `${ms} ms and ${gops} GOP/s`);
  await eventually("its worker to go", () => page.workers().length === 0);
  return { graphics: await says("graphics"), how: await says("graphics-how") };
}

describe("without a graphics processor", () => {
  before(async () => {
    sotto = await startSotto();
    await open();
  });
  after(() => sotto?.close());

  test("the processor has its figure, and one sentence says why the other has none", async () => {
    assert.deepEqual(await measure(), { graphics: "–", how: "The browser has no graphics processor to give: there is none, or its driver won’t do." });
  });

  test("stopped by the keyboard, it says so, and can be begun again", async () => {
    await page.locator("#measure-start").press("Enter");
    await eventually("a share", async () => /[1-9]\d? %|[1-9]\d?%/.test(await says("said")));
    assert.equal(await page.evaluate(() => document.activeElement?.id), "measure-stop");
    await page.keyboard.press("Enter");
    assert.equal(await says("said"), "Stopped. Nothing was kept.");
    assert.equal(await page.evaluate(() => document.activeElement?.id), "measure-start");
    await eventually("its worker to go", () => page.workers().length === 0);
    assert.equal(await says("processor"), "–");
  });

  test("nothing was kept", async () => {
    const worker = await sotto.worker();
    const kept = await worker.evaluate(async () => JSON.stringify([await chrome.storage.local.get(null), await chrome.storage.session.get(null)]));
    assert.doesNotMatch(kept, /measur|gops|median/i);
  });
});

describe("with one that is played in software", () => {
  /**
   * What happens in the worker, by the end of its address.
   * @type {Record<string, string>}
   */
  const WISHES = {
    "?gone": 'Object.defineProperty(navigator, "gpu", { value: undefined });',
    "?wrong": `const { getMappedRange } = GPUBuffer.prototype;
      GPUBuffer.prototype.getMappedRange = function () {
        const range = getMappedRange.call(this);
        new Uint8Array(range)[1_000] ^= 1;
        return range;
      };`,
    "?small": 'GPUDevice.prototype.popErrorScope = async () => new GPUOutOfMemoryError("none left");',
    "?unnamed": 'Object.defineProperties(GPUAdapterInfo.prototype, { vendor: { value: "" }, architecture: { value: "" } });',
    "?stuck": 'GPUAdapter.prototype.requestDevice = () => Promise.reject(new TypeError("not today"));',
  };
  const HEARD = `
    const wish = new URL(self.location.href).search;
    const heard = new BroadcastChannel("heard");
    const { requestAdapter } = GPU.prototype;
    GPU.prototype.requestAdapter = function (...asked) {
      heard.postMessage("asked");
      return requestAdapter.apply(this, asked);
    };
    const { requestDevice } = GPUAdapter.prototype;
    GPUAdapter.prototype.requestDevice = async function (...asked) {
      const device = await requestDevice.apply(this, asked);
      heard.postMessage("opened");
      return device;
    };
    const { destroy } = GPUDevice.prototype;
    GPUDevice.prototype.destroy = function () {
      heard.postMessage("destroyed");
      destroy.call(this);
    };
    const { submit } = GPUQueue.prototype;
    GPUQueue.prototype.submit = function (commands) {
      if (commands.length) heard.postMessage("submitted");
      submit.call(this, commands);
    };
    if (wish === "") throw new Error("without a wish it is not this test's");
    ${Object.entries(WISHES).map(([wish, does]) => `if (wish === ${JSON.stringify(wish)}) { ${does} }`).join("\n")}
  `;

  before(async () => {
    sotto = await startSotto({
      flags: SOFTWARE_GPU,
      edit: (folder) => {
        editFile(folder, "gpu.js", (text) => text.replace("allowsSoftware = false", 'allowsSoftware = wish !== "?refuses"') + HEARD);
        // Played, one run of all takes half a minute.
        editFile(folder, "pages/measurer.js", (text) => text.replace("const N_RUNS = 5;", "const N_RUNS = 1;")
          .replace("products.handTo(gpu);", `products.handTo(gpu).slice(0, self.location.search === "?lost" ? 6 : 1).map((layer) => layer.slice(0, 1));`));
      },
    });
    await sotto.context.addInitScript(() => {
      globalThis.heard = [];
      new BroadcastChannel("heard").addEventListener("message", ({ data }) => heard.push(data));
      // In the page, should it ask.
      const { requestAdapter } = GPU.prototype;
      GPU.prototype.requestAdapter = function (...asked) {
        heard.push("asked");
        return requestAdapter.apply(this, asked);
      };
      const Ordinary = Worker;
      globalThis.Worker = class extends Ordinary {
        /**
         * @param {string | URL} script
         * @param {WorkerOptions} [options]
         */
        constructor(script, options) {
          super(`${script}${globalThis.wanted}`, options);
        }
      };
    });
    await open();
  });
  after(() => sotto?.close());

  /** @param {string} wish */
  async function measureAs(wish) {
    await page.evaluate((wish) => {
      globalThis.wanted = wish;
      heard.length = 0;
    }, wish);
    const end = await measure();
    return { ...end, heard: await page.evaluate(() => [...new Set(heard)]) };
  }

  test("nothing is asked before the click", async () => {
    await page.locator("details:has(#measure-start) > summary").click();
    await page.locator("details:has(#measure-start) > summary").click();
    await page.waitForTimeout(500);
    assert.deepEqual([await page.evaluate(() => heard), page.workers().length], [[], 0]);
  });

  test("it is refused after it was asked for once, and no device is opened", async () => {
    const { graphics, how, heard } = await measureAs("?refuses");
    assert.deepEqual([graphics, how, heard], ["–", "There is only one that the browser plays in software, on the processor again. Sotto doesn’t use it.", ["asked"]]);
    await screenshot(page, "measure-refused");
  });

  for (const [wish, sentence] of /** @type {const} */ ([
    ["?gone", "This browser has no WebGPU, so no extension can use a graphics processor in it."],
    ["?wrong", "It computes wrong: its sums are not the processor’s. So there is no figure."],
    ["?small", "It has too little memory left for this."],
    ["?stuck", "It could not be measured: not today"],
  ])) {
    test(`${wish}: one sentence, no figure, no device left open`, async () => {
      const { graphics, how, heard } = await measureAs(wish);
      assert.deepEqual([graphics, how], ["–", sentence]);
      assert.equal(heard.includes("destroyed"), heard.includes("opened"), String(heard));
    });
  }

  test("lost while it works, it is refused by one sentence, and can be tried again", async () => {
    await page.evaluate(() => (globalThis.wanted = "?lost"));
    await page.evaluate(() => (heard.length = 0));
    await page.locator("#measure-start").click();
    // The first product, its check, and six layers.
    await eventually("it to be at work", () => page.evaluate(() => heard.filter((/** @type {string} */ what) => what === "submitted").length > 3), PATIENCE_MS);
    await sotto.cdp.send("Browser.crashGpuProcess").catch(() => {});
    await measured();
    assert.equal(await says("graphics-how"), "It was taken away while it worked, by its driver, the browser or another program. You can try again.");
    assert.deepEqual([await says("graphics"), await page.evaluate(() => heard.includes("destroyed"))], ["–", true]);
  });

  test("it has its figure beside the processor's, and its device is closed", async () => {
    const { graphics, how, heard } = await measureAs("?works");
    assert.match(graphics, /^[\d,.]+ ms$/);
    assert.match(how, /^[\d,]+ GOP\/s: google, swiftshader$/);
    assert.deepEqual(heard, ["asked", "opened", "submitted", "destroyed"]);
    assert.match((await measureAs("?unnamed")).how, /^[\d,]+ GOP\/s: the browser gives it no name$/);
    for (const colorScheme of /** @type {const} */ (["light", "dark"])) {
      await page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
      assert.deepEqual(await complaints(page, "#measure-title ~ *"), [], colorScheme);
      await page.locator("#measure-figures").scrollIntoViewIfNeeded();
      await screenshot(page, `measure-${colorScheme}`);
    }
  });
});
