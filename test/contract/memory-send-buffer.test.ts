import { createMemoryBuffer } from '../../gateway/protocol/send-buffer.ts';
import { describeSendBuffer } from './send-buffer.ts';

describeSendBuffer('in memory', (room) => createMemoryBuffer({ stream: 'aaaaaaaa', ...room }));
