// Whether readings can be stored, as the gateway says it: nothing while they can, a bar above every page while they can not or soon will not.
import { useConnected } from './connected.ts';
import { text } from './i18n/en.ts';
import { Icon } from './parts/icon.tsx';

export function StorageBar() {
  const { stats } = useConnected();
  const storage = stats.latest.value?.storage;
  if (storage === undefined || storage.state === 'storing') return null;
  return (
    <div class={storage.state === 'low' ? 'storage-bar' : 'storage-bar is-bad'} role="status" data-storage={storage.state}>
      <Icon name="warn" />
      <p>
        <b>{text.storage[storage.state]}</b> {storage.message}
      </p>
    </div>
  );
}
