// How fast each device may go: two token buckets a device, frames and readings, kept over its connections. Who is over its rate is not
// read for a while; TCP carries that to the device, and nothing is refused.

export interface PaceLimits {
  /** Sustained rates; 0: no limit. */
  readonly deviceFramesPerSecond: number;
  readonly deviceFramesBurst: number;
  readonly deviceReadingsPerSecond: number;
  readonly deviceReadingsBurst: number;
}

export interface Pace {
  /** Takes a frame out of the buckets; returns the ms to wait before the next one, 0 when there is room. */
  spend(readings: number, nowUs: number): number;
  /** The ms that are left to wait. */
  waitMs(nowUs: number): number;
}

const FREE: Pace = { spend: () => 0, waitMs: () => 0 };
/** A clock that jumps ahead fills the buckets once, and no more. */
const MAX_ELAPSED_SECONDS = 60;

/** The pace of each device. Buckets may go below nothing: what was read is taken, and waited for afterwards. */
export function createPaces(limits: PaceLimits): (device: string) => Pace {
  if (limits.deviceFramesPerSecond === 0 && limits.deviceReadingsPerSecond === 0) return () => FREE;
  const paces = new Map<string, Pace>();
  return (device) => {
    let pace = paces.get(device);
    if (pace === undefined) {
      pace = createPace(limits);
      paces.set(device, pace);
    }
    return pace;
  };
}

function createPace(limits: PaceLimits): Pace {
  const framesPerSecond = limits.deviceFramesPerSecond || Number.POSITIVE_INFINITY;
  const readingsPerSecond = limits.deviceReadingsPerSecond || Number.POSITIVE_INFINITY;
  let frames = limits.deviceFramesBurst;
  let readings = limits.deviceReadingsBurst;
  let filledUs = 0;

  function fill(nowUs: number): void {
    // a clock that went back gives nothing now, and counts from here
    const seconds = Math.min(Math.max(0, (nowUs - filledUs) / 1e6), MAX_ELAPSED_SECONDS);
    filledUs = nowUs;
    frames = seconds === 0 ? frames : Math.min(limits.deviceFramesBurst, frames + seconds * framesPerSecond);
    readings = seconds === 0 ? readings : Math.min(limits.deviceReadingsBurst, readings + seconds * readingsPerSecond);
  }
  function owedMs(): number {
    if (frames >= 0 && readings >= 0) return 0;
    return Math.ceil(Math.max(-frames / framesPerSecond, -readings / readingsPerSecond) * 1000);
  }

  return {
    spend(count, nowUs) {
      fill(nowUs);
      if (limits.deviceFramesPerSecond > 0) frames--;
      if (limits.deviceReadingsPerSecond > 0) readings -= count;
      return owedMs();
    },
    waitMs(nowUs) {
      fill(nowUs);
      return owedMs();
    },
  };
}
