// The package has types, but its exports do not lead there: what the tests use of them.

declare module '@serialport/binding-mock' {
  export interface MockPortBinding {
    emitData(data: Buffer): void;
    read(buffer: Buffer, offset: number, length: number): Promise<{ bytesRead: number }>;
    close(): Promise<void>;
  }
  export const MockBinding: {
    createPort(path: string): void;
    open(options: { path: string; baudRate: number }): Promise<MockPortBinding>;
  };
}
