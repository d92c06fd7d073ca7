/** To be imported first: the clock of this process is wrong by TINTYPE_TEST_SKEW_MS milliseconds, and by the opposite after SIGUSR2. */
let skew = Number(process.env.TINTYPE_TEST_SKEW_MS ?? 0);
const RealDate = Date;
const now = () => RealDate.now() + skew;

globalThis.Date = new Proxy(RealDate, {
  construct: (target, given, as) => Reflect.construct(target, given.length === 0 ? [now()] : given, as),
  apply: () => new RealDate(now()).toString(),
  get: (target, name) => (name === 'now' ? now : Reflect.get(target, name)),
});

/** Milliseconds. */
export function skewClock(ms: number): void {
  skew = ms;
}

process.on('SIGUSR2', () => {
  skew = -skew;
});
