// A password that nobody has to think of: 20 letters and digits that people do not mix up, in groups. Some 98 random bits.
const LETTERS = 'abcdefghjkmnpqrstuvwxyz23456789';
const GROUPS = 4;
const GROUP_LETTERS = 5;

export function makePassword(): string {
  const groups: string[] = [];
  for (let i = 0; i < GROUPS; i++) {
    let group = '';
    while (group.length < GROUP_LETTERS) {
      const [byte = 255] = crypto.getRandomValues(new Uint8Array(1));
      // the rest of a byte would favour some letters
      if (byte < 256 - (256 % LETTERS.length)) group += LETTERS[byte % LETTERS.length];
    }
    groups.push(group);
  }
  return groups.join('-');
}
