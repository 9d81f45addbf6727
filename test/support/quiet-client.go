// A device that trusts pings alone: its read deadline is moved by nothing else, and it answers them with an empty pong.
// quiet-client wss://HOST:PORT TOKEN_FILE CA_FILE DEADLINE_SECONDS SECONDS; says `ping` for each, and `stayed` when it was not cut off.
package main

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net/http"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/gorilla/websocket"
)

func main() {
	token, _ := os.ReadFile(os.Args[2])
	ca, _ := os.ReadFile(os.Args[3])
	deadline, _ := strconv.Atoi(os.Args[4])
	seconds, _ := strconv.Atoi(os.Args[5])
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(ca)
	dialer := websocket.Dialer{TLSClientConfig: &tls.Config{RootCAs: roots}, Subprotocols: []string{"fieldgate.v1"}}
	headers := http.Header{"Authorization": {"Bearer " + strings.TrimSpace(string(token))}}
	socket, _, err := dialer.Dial(os.Args[1]+"/v1/device", headers)
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	extend := func() { socket.SetReadDeadline(time.Now().Add(time.Duration(deadline) * time.Second)) }
	socket.SetPingHandler(func(string) error {
		fmt.Println("ping")
		extend()
		return socket.WriteControl(websocket.PongMessage, nil, time.Now().Add(time.Second))
	})
	extend()
	socket.WriteJSON(map[string]interface{}{"type": "hello", "stream": "quiet-client", "oldest": 1, "next": 1})
	time.AfterFunc(time.Duration(seconds)*time.Second, func() {
		fmt.Println("stayed")
		os.Exit(0)
	})
	for {
		if _, _, err := socket.ReadMessage(); err != nil {
			fmt.Println("lost:", err)
			os.Exit(1)
		}
	}
}
