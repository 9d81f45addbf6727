// What the demo's devices are called: as a farm with its own packing hall would, in the languages of those who work there. A name fits to
// what the device measures, as the gateway knows it.

export interface Naming {
  readonly label: string;
  readonly tags: readonly string[];
}

type Name = readonly [label: string, site: string];

interface Kind {
  readonly tag: string;
  /** All of them are measured. */
  readonly metrics: readonly string[];
  readonly names: readonly [Name, ...Name[]];
}

/** The first one that fits is it; the last one fits everything. */
const KINDS: readonly [Kind, ...Kind[]] = [
  {
    tag: 'cold-chain',
    metrics: ['door'],
    names: [
      ['Cold store A, apples', 'hall'],
      ['冷库二号', 'hall'],
      ['Chambre froide, légumes', 'hall'],
      ['Käsekeller', 'west'],
      ['غرفة التبريد الثالثة', 'hall'],
      ['Cámara de maduración', 'west'],
    ],
  },
  {
    tag: 'pump',
    metrics: ['pressure', 'vibration'],
    names: [
      ['Well pump 1', 'north'],
      ['Pompe du château d’eau', 'west'],
      ['مضخة البئر الشرقية', 'east'],
      ['Druckerhöhung Süd', 'south'],
      ['二号水泵房', 'north'],
      ['Booster pump, packing hall', 'hall'],
    ],
  },
  {
    tag: 'irrigation',
    metrics: ['pressure'],
    names: [
      ['Irrigation, lower meadow', 'south'],
      ['محطة الري الشمالية', 'north'],
      ['Riego del olivar', 'east'],
      ['果园灌溉泵', 'west'],
      ['Beregnung Mühlbach', 'south'],
      ['Irrigation, walnut rows', 'east'],
    ],
  },
  {
    tag: 'machine',
    metrics: ['vibration'],
    names: [
      ['Grain dryer', 'north'],
      ['Förderband Verpackung', 'hall'],
      ['包装机 3 号', 'hall'],
      ['Broyeur à pommes', 'west'],
      ['مطحنة الحبوب', 'north'],
      ['Ventilador del túnel', 'east'],
      ['Sorting line', 'hall'],
    ],
  },
  {
    tag: 'climate',
    metrics: [],
    names: [
      ['Greenhouse 1, tomatoes', 'south'],
      ['三号温室', 'south'],
      ['Verger, pente supérieure', 'west'],
      ['البيت الزجاجي الغربي', 'west'],
      ['Gewächshaus Anzucht', 'south'],
      ['Viñedo alto', 'east'],
    ],
  },
];

/** Gives names in turn; when they run out, they come again with a number. */
export function createNaming(): (metrics: readonly string[]) => Naming {
  const given = new Map<Kind, number>();
  return (metrics) => {
    const kind = KINDS.find((one) => one.metrics.every((metric) => metrics.includes(metric))) ?? KINDS[0];
    const turn = given.get(kind) ?? 0;
    given.set(kind, turn + 1);
    const [label, site] = kind.names[turn % kind.names.length] ?? kind.names[0];
    const round = Math.floor(turn / kind.names.length) + 1;
    const tags = [`site:${site}`, kind.tag, ...(metrics.includes('battery') ? ['battery'] : [])];
    return { label: round === 1 ? label : `${label} (${round})`, tags };
  };
}
