# Prints the readings of one chunk as CSV: read-chunk.py FILE, after docs/chunk-format.md. Needs Debian's python3-zstandard.
import csv, io, math, struct, sys, zlib, zstandard
data = open(sys.argv[1], "rb").read()
if data[0] != 1: sys.exit(f"format version {data[0]}; this program reads version 1")
if zlib.crc32(data[:-4]) != int.from_bytes(data[-4:], "little"): sys.exit("the checksum does not match")
header, planes = io.BytesIO(data[1:-4]), io.BytesIO()
byte, double = lambda: header.read(1)[0], lambda: struct.unpack("<d", header.read(8))[0]
def varint(): return low if (low := byte()) < 128 else low - 128 + 128 * varint()
def unzigzag(code): return -(code + 1) // 2 if code % 2 else code // 2
def from_bits(bits): return struct.unpack("<d", struct.pack("<Q", bits % 2**64))[0]
def moved(value, steps):
    order = lambda bits: bits if bits >= 0 else -1 - bits - 2**63
    return from_bits(order(order(struct.unpack("<q", struct.pack("<d", value))[0]) + steps)) if steps else value
def codes(count, width):
    return [int.from_bytes(code, "little") for code in zip(*[planes.read(count) for _ in range(width)])] or [0] * count
# Each of these reads a header, and gives a function that reads the planes when all headers have been read.
def whole_numbers(count):
    shape, first, unit, center = byte(), int(double()), varint(), unzigzag(varint())
    model, width, slope = shape % 4, shape // 4, double() if shape % 4 > 1 else 0
    def decode():
        value, step, values = 0, int(slope), [first]
        for i, code in list(enumerate(codes(count, width)))[1:]:
            step = center + unzigzag(code) + (step if model == 2 else 0)
            value = value + step if model in (1, 2) else math.floor(slope * i) + step
            values.append(first + value * unit)
        return values
    return decode
def column(count):
    form = byte()
    if form == 34: return lambda: [plane >> bit & 1 for plane in planes.read((count + 7) // 8) for bit in range(8)][:count]
    if form == 33: return lambda bits=0: [from_bits(bits := bits + unzigzag(code)) for code in codes(count, 8)]
    if form == 32: return lambda: [from_bits(code) for code in codes(count, 8)]
    whole, steps = whole_numbers(count), column(count) if form > 15 else lambda: [0] * count
    return lambda: [moved(value / 10 ** (form % 16), int(step)) for value, step in zip(whole(), steps())]
def values(kind, count):
    if kind < 2: return lambda all=column(count): [one if kind == 0 else "true" if one else "false" for one in all()]
    if kind == 2:
        different, _, which = varint(), varint(), column(count)
        texts = lambda sizes=column(different): [planes.read(int(size)).decode() for size in sizes()]
        return lambda: (lambda all, of: [of[int(one)] for one in all])(which(), texts())
    counts, kinds = [varint() for _ in range(3)], column(count)
    parts = [values(kind, some) if some else list for kind, some in enumerate(counts)]
    return lambda: (lambda all, of: [next(of[int(one)]) for one in all])(kinds(), [iter(part()) for part in parts])
kind, count = byte(), varint()
times, of_times = column(count), values(kind, count)
while header.tell() < len(data) - 5:
    is_frame, size = byte(), varint()
    planes.write(zstandard.decompress(header.read(varint()), max_output_size=size) if is_frame else header.read(size))
planes.seek(0)
csv.writer(sys.stdout).writerows([("time_us", "value"), *zip(map(int, times()), of_times())])
