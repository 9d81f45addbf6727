// What is plugged into the gateway's machine, to choose from; asked for again while one looks, so that what is plugged in appears.
import { useEffect, useId, useState } from 'preact/hooks';
import type { AttachedPortView } from '../../../gateway/protocol/rest.ts';
import { ApiError, api } from '../api.ts';
import { text } from '../i18n/en.ts';
import { Input } from '../parts/form.tsx';

const EVERY_MS = 2000;

function useAttached(): readonly AttachedPortView[] | null {
  const [attached, setAttached] = useState<readonly AttachedPortView[] | null>(null);
  useEffect(() => {
    let isOver = false;
    async function ask(): Promise<void> {
      if (document.visibilityState === 'hidden') return;
      try {
        const { items } = await api.get('/v1/serial/attached');
        if (!isOver) setAttached(items);
      } catch (error) {
        // a path can be typed meanwhile; the next ask tries again
        if (!(error instanceof ApiError)) throw error;
      }
    }
    void ask();
    const timer = setInterval(ask, EVERY_MS);
    return () => {
      isOver = true;
      clearInterval(timer);
    };
  }, []);
  return attached;
}

interface PortChoiceProps {
  readonly path: string;
  /** The device of the port that is edited: its own port is not taken. */
  readonly ownPath: string;
  readonly fault: string | undefined;
  readonly onChoose: (path: string) => void;
}

export function PortChoice({ path, ownPath, fault, onChoose }: PortChoiceProps) {
  const attached = useAttached();
  const [isTyped, setTyped] = useState(path !== '');
  const group = useId();
  const words = text.serial.dialog;
  const free = (attached ?? []).filter(({ device }) => device === null);
  const only = free.length === 1 ? free[0]?.path : undefined;
  // the only one that nobody reads is probably meant
  useEffect(() => {
    if (only !== undefined && path === '' && !isTyped) onChoose(only);
  }, [only]);
  const isListed = (attached ?? []).some((port) => port.path === path);
  const isOther = attached !== null && (attached.length === 0 || (isTyped && !isListed));
  return (
    <div class="field" role="group" aria-labelledby={`${group}-label`}>
      <span class="label" id={`${group}-label`}>
        {words.attached}
      </span>
      {attached === null ? <p role="status">{text.loading}</p> : null}
      {attached !== null && attached.length === 0 ? <p>{words.none}</p> : null}
      {attached === null || attached.length === 0 ? null : (
        <ul class="attached">
          {attached.map((port) => {
            const isTaken = port.device !== null && port.path !== ownPath;
            return (
              <li key={port.path}>
                <label class={isTaken ? 'is-taken' : ''}>
                  <input
                    type="radio"
                    name={group}
                    value={port.path}
                    checked={!isOther && port.path === path}
                    disabled={isTaken}
                    onChange={() => {
                      setTyped(false);
                      onChoose(port.path);
                    }}
                  />
                  <span>
                    <b>
                      <bdi>{nameOf(port)}</bdi>
                    </b>{' '}
                    <span class="dim">
                      {port.name === port.path ? null : <bdi>{port.name}</bdi>}
                      {isTaken && port.device !== null ? ` · ${words.readBy(port.device)}` : null}
                    </span>
                    <bdi class="mono">{port.path}</bdi>
                  </span>
                </label>
              </li>
            );
          })}
          <li>
            <label>
              <input
                type="radio"
                name={group}
                checked={isOther}
                onChange={() => {
                  setTyped(true);
                  onChoose('');
                }}
              />
              <span>{words.otherPath}</span>
            </label>
          </li>
        </ul>
      )}
      {isOther ? (
        <Input
          label={words.path}
          hint={words.pathHint}
          fault={fault}
          class="mono"
          autocomplete="off"
          autocapitalize="off"
          value={path}
          onInput={(event) => {
            setTyped(true);
            onChoose(event.currentTarget.value);
          }}
        />
      ) : fault === undefined ? null : (
        <p class="fault" role="alert">
          {fault}
        </p>
      )}
    </div>
  );
}

function nameOf({ manufacturer, product, serialNumber }: AttachedPortView): string {
  const name = [manufacturer, product].filter(Boolean).join(' ') || text.serial.dialog.nameless;
  return serialNumber === '' ? name : `${name}, ${text.serial.dialog.serialNumber(serialNumber)}`;
}
