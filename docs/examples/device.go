// A device with gorilla/websocket:  go run device.go wss://localhost:8443 TOKEN_FILE CA_FILE
package main

import ("crypto/rand"; "crypto/tls"; "crypto/x509"; "fmt"; "net/http"; "os"; "strings"; "time"; "github.com/gorilla/websocket")

type object map[string]interface{}

var acked, frames = 0, []object{} // frames acked+1, acked+2, …: in memory only, so after a crash it is another stream
var stream, greetings = make([]byte, 16), []object{{"n": "greeting", "vs": "hello"}}

func session(socket *websocket.Conn) error {
	defer socket.Close()
	if greetings != nil { socket.WriteJSON(greetings) } // a bare pack: at least once
	greetings = nil
	socket.WriteJSON(object{"type": "hello", "stream": fmt.Sprintf("%x", stream), "oldest": acked + 1, "next": acked + len(frames) + 1, "acked": acked})
	for {
		var heard struct{ Type string; Seq, Acked, Readings int }
		if err := socket.ReadJSON(&heard); err != nil { return err } // a Close was answered with the same code by then
		fmt.Println(heard.Type, heard.Seq+heard.Acked+heard.Readings)
		if heard.Type != "welcome" && heard.Type != "ack" { continue }
		frames, acked = frames[heard.Seq+heard.Acked-acked:], heard.Seq+heard.Acked
		if acked >= 18 {
			socket.WriteControl(websocket.CloseMessage, websocket.FormatCloseMessage(1000, ""), time.Now().Add(time.Second))
		} else if len(frames) == 0 {
			for time.Sleep(300 * time.Millisecond); len(frames) < 3; {
				frames = append(frames, object{"n": "count", "v": acked + len(frames) + 1, "t": float64(time.Now().UnixMilli()) / 1000})
			}
		} else if heard.Type == "ack" {
			continue // the rest is under way
		}
		for i, reading := range frames {
			socket.WriteJSON(object{"type": "readings", "seq": acked + i + 1, "readings": []object{reading}})
		}
	}
}

func main() {
	token, _ := os.ReadFile(os.Args[2])
	ca, _ := os.ReadFile(os.Args[3])
	headers, roots := http.Header{"Authorization": {"Bearer " + strings.TrimSpace(string(token))}}, x509.NewCertPool()
	roots.AppendCertsFromPEM(ca)
	rand.Read(stream)
	dialer := websocket.Dialer{TLSClientConfig: &tls.Config{RootCAs: roots}, Subprotocols: []string{"fieldgate.v1"}}
	for ; acked < 18; time.Sleep(time.Second) { // random, and longer after each failure, in a real device: see ../protocol.md
		socket, _, err := dialer.Dial(os.Args[1]+"/v1/device", headers)
		if err == nil { err = session(socket) }
		fmt.Println(err)
	}
}
