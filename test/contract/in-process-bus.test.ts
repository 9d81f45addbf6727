import { createInProcessBus } from '../../gateway/relay/bus.ts';
import { busContract } from './bus.ts';

busContract(() => {
  const errors: unknown[] = [];
  return { bus: createInProcessBus((error) => errors.push(error)), errors };
});
