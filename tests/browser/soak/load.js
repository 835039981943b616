// Ten tabs that ask, six of Sotto's own and four of a site whose content scripts ask, and a hand that kills the worker.

import { contentScript } from "../harness/isolated.js";
import { ask, PICTURE_PROBES, TEXT_PROBES } from "./probes.js";

const N_OWN_TABS = 6;
const N_SITE_TABS = 4;
/** Requests under way at once, beyond which the load waits. */
const AT_ONCE = 30;
const PATIENCE_MS = 60_000;
const PAUSE_MS_MAX = 400;

/** @typedef {{ world: { evaluate(script: string): Promise<any> }, probes: Probe[] }} LoadedTab */

export class Load {
  /** @type {Record<string, string>} what each probe is answered with, by its name */
  expected = {};

  /** @param {{ sotto: Sotto, tabs: LoadedTab[], ownPage: Page, cdp: CDPSession }} parts */
  constructor({ sotto, tabs, ownPage, cdp }) {
    this.sotto = sotto;
    this.tabs = tabs;
    this.ownPage = ownPage;
    this.cdp = cdp;
  }

  /**
   * @param {Sotto} sotto
   * @param {Fixtures} server
   */
  static async start(sotto, server) {
    const site = server.origin.replace(/:\d+$/, "");
    const reply = await sotto.ask({ ask: "guard", site, on: true });
    if (reply.answer !== "done") throw new Error(JSON.stringify(reply));
    const tabs = /** @type {LoadedTab[]} */ ([]);
    for (let tab = 0; tab < N_OWN_TABS; tab += 1) {
      const page = await sotto.page(sotto.url("manifest.json"));
      tabs.push({ world: page, probes: [...TEXT_PROBES, ...PICTURE_PROBES] });
    }
    for (let tab = 0; tab < N_SITE_TABS; tab += 1) {
      const page = await sotto.page(`${server.origin}/upload.html`);
      // A frame may ask about pictures alone.
      tabs.push({ world: await contentScript(page, sotto.id), probes: PICTURE_PROBES });
    }
    // A page of the origin through which the worker is killed.
    const ownPage = await sotto.page(sotto.url("manifest.json"));
    const cdp = await sotto.context.newCDPSession(ownPage);
    await cdp.send("ServiceWorker.enable");
    const load = new Load({ sotto, tabs, ownPage, cdp });
    for (const probe of load.tabs[0].probes) {
      load.expected[probe.name] = (await load.request(load.tabs[0], `calm-${probe.name}`, probe)).verdict;
    }
    const verdicts = Object.values(load.expected);
    if (new Set(verdicts).size !== verdicts.length) throw new Error(`probes must differ: ${verdicts.join("; ")}`);
    return load;
  }

  /**
   * One request of a tab; what came of it.
   * @param {LoadedTab} tab
   * @param {string} id
   * @param {Probe} probe
   */
  async request({ world }, id, probe) {
    const call = `(${ask})(${JSON.stringify(id)}, ${JSON.stringify(probe)}, ${PATIENCE_MS})`;
    return world.evaluate(call);
  }

  /**
   * What is wrong with an outcome; null when nothing is.
   * @param {any} outcome
   * @param {string} id
   * @param {Probe} probe
   */
  fault(outcome, id, probe) {
    if (outcome.lost) return `${id} was never answered (asked ${outcome.nAsked} times)`;
    if (outcome.replyId !== id) return `${id} got the answer to ${outcome.replyId}`;
    if (outcome.verdict !== this.expected[probe.name]) return `${id}: ${outcome.verdict} instead of ${this.expected[probe.name]}`;
    return null;
  }

  /** Kills the worker if it runs; true when it did. */
  async kill() {
    if (!(await this.sotto.workerRuns())) return false;
    await this.cdp.send("ServiceWorker.stopAllWorkers");
    return true;
  }

  /**
   * Requests from all tabs, and a kill after each round of them at a random moment.
   * @param {{ nRequests: number, nKills: number }} wish
   */
  async underKills({ nRequests, nKills }) {
    const answered = new Set();
    const problems = /** @type {string[]} */ ([]);
    const underWay = /** @type {Set<Promise<unknown>>} */ (new Set());
    let [mostAsked, nKilled] = [0, 0];
    const perRound = Math.ceil(nRequests / nKills);
    for (let index = 0; index < nRequests; index += 1) {
      const tab = this.tabs[index % this.tabs.length];
      const probe = tab.probes[Math.floor(index / this.tabs.length) % tab.probes.length];
      const id = `load-${index}`;
      /** @type {Promise<unknown>} */
      const request = this.request(tab, id, probe).then((outcome) => {
        const fault = this.fault(outcome, id, probe);
        if (fault) problems.push(fault);
        else if (answered.has(id)) problems.push(`${id} was answered twice`);
        else answered.add(id);
        mostAsked = Math.max(mostAsked, outcome.nAsked);
      }, (error) => problems.push(`${id}: ${error.message}`)).finally(() => underWay.delete(request));
      underWay.add(request);
      if ((index + 1) % perRound === 0 || index === nRequests - 1) {
        await new Promise((resolve) => setTimeout(resolve, Math.random() * PAUSE_MS_MAX));
        while (!(await this.kill())) await new Promise((resolve) => setTimeout(resolve, 10));
        nKilled += 1;
        while (underWay.size > AT_ONCE) await Promise.race(underWay);
      }
    }
    await Promise.all(underWay);
    return { nAnswered: answered.size, nKills: nKilled, mostAsked, problems };
  }
}
