// A small controller built by Go: the object is one JSON file a name, as a template would have it.
//
//	GOOS=wasip1 GOARCH=wasm go build -o get.wasm get.go
package main

import (
	"encoding/json"
	"fmt"
	"os"
)

func main() {
	if len(os.Args) < 5 || os.Args[1] != "get" {
		fmt.Fprintln(os.Stderr, "get KIND NAMESPACE NAME is all there is")
		os.Exit(1)
	}
	data, err := os.ReadFile("/" + os.Args[3] + "/" + os.Args[4] + ".json")
	if os.IsNotExist(err) {
		os.Exit(2)
	}
	var spec map[string]any
	if err == nil {
		err = json.Unmarshal(data, &spec)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	json.NewEncoder(os.Stdout).Encode(map[string]any{
		"apiVersion": "bench.example/v1", "kind": os.Args[2],
		"metadata": map[string]any{"namespace": os.Args[3], "name": os.Args[4]}, "spec": spec})
}
