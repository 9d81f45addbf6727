// Replays one row and says what became of it.
import { ApiError, api } from '../api.ts';
import { formatNumber } from '../format.ts';
import { text } from '../i18n/en.ts';

export interface ReplayResult {
  readonly outcome: 'stored' | 'refused' | 'duplicate' | 'failed';
  readonly sentence: string;
}

/** `raw` null: as it was sent. */
export async function replayRow(id: number, raw: string | null): Promise<ReplayResult> {
  const words = text.quarantine.results;
  try {
    const answer = await api.post('/v1/quarantine/:id/replay', raw === null ? {} : { raw }, { params: { id: String(id) } });
    if (answer.duplicate === true) return { outcome: 'duplicate', sentence: words.duplicate };
    const refused = answer.errors.length;
    const more = refused === 0 ? '' : ` ${words.some(refused, formatNumber(refused))}`;
    return { outcome: 'stored', sentence: words.stored(answer.stored, formatNumber(answer.stored)) + more };
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    if (error.code !== 'still-refused') return { outcome: 'failed', sentence: words.failed(error.message) };
    return { outcome: 'refused', sentence: words.refused(error.fields?.[0]?.detail ?? error.message) };
  }
}
