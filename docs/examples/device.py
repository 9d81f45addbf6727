"""A device with the library websockets, 10 to 13:  python3 device.py wss://localhost:8443 TOKEN_FILE CA_FILE [READINGS]"""
import asyncio, json, random, secrets, ssl, sys, time, websockets

url, token_file, ca_file, count = (sys.argv[1:] + ["20"])[:4]
headers = {"Authorization": "Bearer " + open(token_file).read().strip()}  # from websockets 14 on: additional_headers
options = dict(ssl=ssl.create_default_context(cafile=ca_file), subprotocols=["fieldgate.v1"], compression=None, ping_interval=None)
stream, frames = secrets.token_hex(16), {}  # both in memory only: after a crash it is another stream
made, acked, greetings = 0, 0, ['[{"n":"greeting","vs":"hello"}]']

async def measure():
    global made
    while made < int(count):
        frames[made + 1] = [{"n": "count", "v": made + 1, "t": time.time()}]
        made += 1
        await asyncio.sleep(0.2)

async def send_from(socket, seq):
    while socket.open:
        while seq <= made and socket.open:
            await socket.send(json.dumps({"type": "readings", "seq": seq, "readings": frames[seq]}))
            seq += 1
        await asyncio.sleep(0.05)

async def session(socket):
    global acked
    hello = {"type": "hello", "stream": stream, "oldest": acked + 1, "next": made + 1, "acked": acked}
    while greetings: await socket.send(greetings.pop())  # a bare pack: at least once
    await socket.send(json.dumps(hello))
    async for text in socket:
        message = json.loads(text)
        print(message["type"], message.get("seq", message.get("acked", message.get("readings", text))), flush=True)
        if message["type"] in ("welcome", "ack"):
            acked = message.get("seq", message.get("acked"))
            [frames.pop(seq) for seq in list(frames) if seq <= acked]
        if message["type"] == "welcome":
            socket.sender = asyncio.create_task(send_from(socket, acked + 1))
        if acked == int(count): await socket.close(1000)

async def main():
    measuring = asyncio.create_task(measure())  # goes on while there is no connection
    while acked < int(count):
        await asyncio.sleep(random.random())  # longer after each failure in a real device: see ../protocol.md
        try:
            async with websockets.connect(url + "/v1/device", extra_headers=headers, **options) as socket:
                await session(socket)
            print("closed", socket.close_code, flush=True)
        except (OSError, websockets.WebSocketException) as error:
            print("closed", getattr(error, "code", error), flush=True)

asyncio.run(main())
