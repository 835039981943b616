// What the peers of the benches resolve to where they are installed: tsc would otherwise check their own declarations, which are
// written for other settings. globals.d.ts says what they are here.
export {};
