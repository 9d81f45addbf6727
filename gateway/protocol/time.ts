// Time on the wire and inside: SenML seconds in, integer microseconds inside, epoch milliseconds with fractions out.

/** How far ahead of receipt a device's clock may be before it is suspect, and how far ahead a reading can rank as the latest. µs. */
export const CLOCK_SLACK_US = 600_000_000;

/** 2000-01-01T00:00:00Z in µs: a clock before it was never set. */
export const CLOCK_FLOOR_US = 946_684_800_000_000;

/** SenML times below 2^28 s are relative to now (RFC 8428 §4.5.3). µs. */
export const RELATIVE_BELOW_US = 2 ** 28 * 1_000_000;

export function isClockSuspect(timeUs: number, receivedUs: number): boolean {
  return timeUs < CLOCK_FLOOR_US || timeUs > receivedUs + CLOCK_SLACK_US;
}

export function timeUsToMs(timeUs: number): number {
  return timeUs / 1000;
}
