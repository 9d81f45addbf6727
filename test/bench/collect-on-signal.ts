// Loaded before a server under measurement: SIGUSR2 collects its garbage twice, so that memory in use is measured and not what is due.

process.on('SIGUSR2', () => {
  const { gc } = globalThis as { gc?: () => void };
  gc?.();
  gc?.();
});
