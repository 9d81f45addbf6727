// A request started by a person: busy while it runs, its refusal as a sentence and by field.
import { useState } from 'preact/hooks';
import { ApiError } from '../api.ts';

export interface Action {
  readonly isBusy: boolean;
  readonly fault: string;
  /** What is wrong with which part of the body, as the gateway says it. */
  readonly faults: ApiError['fields'];
  /** The fault of one field of the body, as the gateway names it. */
  fieldFault(name: string): string | undefined;
  run(work: () => Promise<void>, sentence?: (error: ApiError) => string | undefined): Promise<void>;
}

export function useAction(): Action {
  const [isBusy, setBusy] = useState(false);
  const [fault, setFault] = useState('');
  const [fields, setFields] = useState<ApiError['fields']>([]);
  return {
    isBusy,
    fault,
    faults: fields,
    fieldFault: (name) => fields?.find(({ pointer }) => pointer.replace(/^[#/]+/, '') === name)?.detail,
    async run(work, sentence) {
      setBusy(true);
      setFault('');
      setFields([]);
      try {
        await work();
      } catch (error) {
        if (!(error instanceof ApiError)) throw error;
        setFault(sentence?.(error) ?? error.message);
        setFields(error.fields);
      } finally {
        setBusy(false);
      }
    },
  };
}
