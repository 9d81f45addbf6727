// Tags as people write them: separated by commas, each once.
export const splitTags = (written: string): string[] => [...new Set(written.split(',').map((tag) => tag.trim()))].filter(Boolean);
