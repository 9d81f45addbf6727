// A name and its value, a line of a panel.
export interface FactProps {
  readonly name: string;
  readonly value: string;
  readonly tone?: string;
  readonly isTotal?: boolean;
  readonly isMono?: boolean;
}

export function Fact({ name, value, tone = '', isTotal = false, isMono = false }: FactProps) {
  return (
    <div class={isTotal ? 'is-total' : ''}>
      <dt>{name}</dt>
      <dd class={`${tone} ${isMono ? 'mono' : ''}`}>{value}</dd>
    </div>
  );
}
