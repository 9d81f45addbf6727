// A device with Java 17 alone; the CA goes into a trust store first (keytool -importcert -file ca.crt -keystore trust.p12):
//   java -Djavax.net.ssl.trustStore=trust.p12 -Djavax.net.ssl.trustStorePassword=… Device.java wss://localhost:8443 TOKEN_FILE
import java.net.URI;
import java.net.http.*;
import java.nio.file.*;
import java.util.*;
import java.util.concurrent.*;
import java.util.regex.Pattern;

class Device implements WebSocket.Listener {
  final BlockingQueue<String> heard = new LinkedBlockingQueue<>();
  String text = "";

  public CompletionStage<?> onText(WebSocket socket, CharSequence part, boolean isLast) {
    text += part;
    if (isLast) { heard.add(text); text = ""; }
    socket.request(1);
    return null;
  }
  public CompletionStage<?> onClose(WebSocket socket, int code, String reason) { heard.add("closed " + code); return null; } // and answers it
  public void onError(WebSocket socket, Throwable error) { heard.add("closed " + error); }
  static void say(WebSocket socket, String message, Object... parts) { socket.sendText(message.formatted(parts), true).join(); }

  public static void main(String[] args) throws Exception {
    var known = Pattern.compile("\"type\":\"(stored|welcome|ack)\".*?\"(?:readings|acked|seq)\":(\\d+)"); // instead of a JSON library
    var frames = new ArrayList<String>(); // acked+1, acked+2, …: in memory only, so after a crash it is another stream
    var stream = UUID.randomUUID();
    var credential = "Bearer " + Files.readString(Path.of(args[1])).trim();
    var builder = HttpClient.newHttpClient().newWebSocketBuilder().subprotocols("fieldgate.v1").header("Authorization", credential);
    for (int acked = 0, tries = 0; acked < 18; Thread.sleep(1000), tries++) // random, and longer after each failure, in a real device: see ../protocol.md
      try {
        var device = new Device();
        var socket = builder.buildAsync(URI.create(args[0] + "/v1/device"), device).join();
        if (tries == 0) say(socket, "[{\"n\":\"greeting\",\"vs\":\"hello\"}]"); // a bare pack: at least once
        say(socket, "{\"type\":\"hello\",\"stream\":\"%s\",\"oldest\":%d,\"next\":%d,\"acked\":%d}", stream, acked + 1, acked + frames.size() + 1, acked);
        for (var message = ""; !message.startsWith("closed"); ) {
          var found = known.matcher(message = device.heard.take());
          var type = found.find() ? found.group(1) : "";
          System.out.println(type.isEmpty() ? message : type + " " + found.group(2));
          if (!type.equals("welcome") && !type.equals("ack")) continue;
          frames.subList(0, Integer.parseInt(found.group(2)) - acked).clear();
          if ((acked = Integer.parseInt(found.group(2))) >= 18) socket.sendClose(1000, "");
          else if (!frames.isEmpty() && type.equals("ack")) continue; // the rest is under way
          else for (Thread.sleep(300); frames.size() < 3; ) frames.add("{\"n\":\"count\",\"v\":%d}".formatted(acked + frames.size() + 1));
          for (int i = 0; i < frames.size(); i++) say(socket, "{\"type\":\"readings\",\"seq\":%d,\"readings\":[%s]}", acked + i + 1, frames.get(i));
        }
      } catch (CompletionException error) { System.out.println(error.getCause()); }
  }
}
