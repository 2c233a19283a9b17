#!/bin/bash
# Guests of other toolchains run as those of C do. What is not on this machine is said and left out.
. "$(dirname "$0")/../support/lib.sh"

# The caller's home: compilers keep their caches and toolchains there.
home_of() { getent passwd "$(id -u)" | cut -d: -f6; }
dir=$work/dir
check_guest() { # NAME MODULE: the same program in each language
    mkdir -p "$dir"
    printf 'one\ntwo\n' >"$dir/a"
    expect_exit 5 cup controller exec --env KEY=value --write --dir "$dir::/" "$2" fail
    expect_exit 0 cup controller exec --env KEY=value --write --dir "$dir::/" "$2" first second
    holds "$1: arguments, environment, clock, files, directories" diff "$stdout" - <<T
args first second
env value
time 1640995200
a one,two
list a out
T
    holds "$1: what it wrote is written back" test "$(cat "$dir/out/new")" = moved
    holds "$1: what it removed is not" test ! -e "$dir/out/old"
    rm -rf "$dir"
}

if command -v go >"$work/go.path"; then
    mkdir "$work/go"
    cat >"$work/go/main.go" <<'G'
package main

import (
	"fmt"
	"os"
	"strings"
	"time"
)

func must(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func main() {
	if os.Args[1] == "fail" {
		os.Exit(5)
	}
	fmt.Println("args", strings.Join(os.Args[1:], " "))
	fmt.Println("env", os.Getenv("KEY"))
	fmt.Println("time", time.Now().Unix())
	time.Sleep(time.Hour)
	text, err := os.ReadFile("/a")
	must(err)
	fmt.Println("a", strings.Join(strings.Fields(string(text)), ","))
	must(os.Mkdir("/out", 0o755))
	must(os.WriteFile("/out/old", []byte("moved"), 0o644))
	must(os.Rename("/out/old", "/out/new"))
	entries, err := os.ReadDir("/")
	must(err)
	names := []string{}
	for _, e := range entries {
		names = append(names, e.Name())
	}
	fmt.Println("list", strings.Join(names, " "))
}
G
    holds "the Go guest is built" env HOME="$(home_of)" GOOS=wasip1 GOARCH=wasm GOFLAGS=-mod=mod GOTOOLCHAIN=local \
        go build -o "$work/go.wasm" "$work/go/main.go"
    check_guest go "$work/go.wasm"
else
    echo "# no go on PATH: its guest is left out"
fi

if command -v rustc >"$work/rust.path" && [ -d "$(HOME=$(home_of) rustc --print sysroot)/lib/rustlib/wasm32-wasip1" ]; then
    cat >"$work/main.rs" <<'R'
use std::{env, fs, io, process, time};

fn main() -> io::Result<()> {
    let args: Vec<String> = env::args().skip(1).collect();
    if args[0] == "fail" {
        process::exit(5);
    }
    println!("args {}", args.join(" "));
    println!("env {}", env::var("KEY").unwrap());
    let now = time::SystemTime::now().duration_since(time::UNIX_EPOCH).unwrap();
    println!("time {}", now.as_secs());
    let text = fs::read_to_string("/a")?;
    println!("a {}", text.split_whitespace().collect::<Vec<_>>().join(","));
    fs::create_dir("/out")?;
    fs::write("/out/old", "moved")?;
    fs::rename("/out/old", "/out/new")?;
    let mut names: Vec<String> = fs::read_dir("/")?.map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    println!("list {}", names.join(" "));
    Ok(())
}
R
    holds "the Rust guest is built" env HOME="$(home_of)" rustc --edition 2021 --target wasm32-wasip1 -O \
        -o "$work/rust.wasm" "$work/main.rs"
    check_guest rust "$work/rust.wasm"
else
    echo "# no Rust with wasm32-wasip1 here: its guest is left out"
fi

if command -v tinygo >"$work/tinygo.path" && [ -d "$work/go" ]; then
    holds "the TinyGo guest is built" env HOME="$(home_of)" tinygo build -target wasip1 -o "$work/tinygo.wasm" "$work/go/main.go"
    check_guest tinygo "$work/tinygo.wasm"
else
    echo "# no tinygo on PATH: its guest is left out"
fi
passed "toolchains that are here were tried"
done_testing
