// What `cargo xtask soak` does for minutes, done for seconds: a worker killed and an engine broken while ten tabs ask, and memory
// over many runs. `cargo xtask test` prints the lines that begin with "load: ".

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { FIXTURES } from "../harness/places.js";
import { serve } from "../harness/server.js";
import { startSotto } from "../harness/sotto.js";
import { breakable, breakEngine } from "../soak/breaking.js";
import { Load } from "../soak/load.js";
import { manyRuns } from "../soak/memory.js";

const [N_REQUESTS, N_KILLS, N_BREAKS, N_RUNS] = [80, 8, 4, 100];

/** @type {Fixtures} */
let server;
/** @type {Sotto} */
let sotto;
/** @type {Load} */
let load;

before(async () => {
  server = await serve({ routes: { "/": FIXTURES } });
  sotto = await startSotto({ hostPermissions: true, edit: breakable });
  load = await Load.start(sotto, server);
});

after(async () => {
  await sotto?.close();
  await server?.close();
});

test("a worker that is killed again and again loses no request and answers none twice or wrongly", async () => {
  const { nAnswered, nKills, mostAsked, problems } = await load.underKills({ nRequests: N_REQUESTS, nKills: N_KILLS });
  console.log(`load: ${nAnswered} of ${N_REQUESTS} requests of 10 tabs answered once and rightly, under ${nKills} kills of the worker; asked at most ${mostAsked} times`);
  assert.deepEqual([problems, nAnswered, nKills], [[], N_REQUESTS, N_KILLS]);
});

test("an engine that breaks while others wait for it heals", async () => {
  const { nHealed, problems } = await breakEngine(load, N_BREAKS);
  console.log(`load: ${nHealed} of ${N_BREAKS} broken engines healed`);
  assert.deepEqual([problems, nHealed], [[], N_BREAKS]);
});

for (const kind of ["text", "picture"]) {
  test(`memory stays flat: ${kind}`, async () => {
    const { figures, nWrong, sameLife } = await manyRuns(kind, N_RUNS, load.expected);
    const told = figures.map(({ name, first, last }) => `${name} ${first} → ${last} bytes`).join(", ");
    console.log(`load: ${N_RUNS} ${kind} runs, from the first tenth to the last: ${told}`);
    assert.equal(nWrong, 0, "runs with another verdict than in calm");
    assert.ok(sameLife, "the worker died meanwhile, so its memory says nothing");
    for (const { name, first, last, allowed } of figures) assert.ok(last - first <= allowed, `${name} grew from ${first} to ${last} bytes`);
  });
}
