// A stranger's check of the ledger's transparency log, with Go's own sumdb/note and sumdb/tlog and nothing of the ledger's:
// the checkpoint's signature, the tree over the exported entries, receipts, and consistency proofs; then the same with one bit flipped.
//
//	verify <folder>   with keys, checkpoint, log.jsonl, receipts/*.tlog-proof, and consistency: lines "old new base64,base64,…"
package main

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

func must(err error) {
	if err != nil {
		fmt.Println("FAILED:", err)
		os.Exit(1)
	}
}

func read(path ...string) string {
	data, err := os.ReadFile(filepath.Join(path...))
	must(err)
	return string(data)
}

type hashes []tlog.Hash

func (h hashes) ReadHashes(indexes []int64) ([]tlog.Hash, error) {
	var out []tlog.Hash
	for _, i := range indexes {
		out = append(out, h[i])
	}
	return out, nil
}

func open(text string, verifiers note.Verifiers) (size int64, root tlog.Hash, err error) {
	n, err := note.Open([]byte(text), verifiers)
	if err != nil {
		return 0, root, err
	}
	lines := strings.Split(n.Text, "\n")
	size, err = strconv.ParseInt(lines[1], 10, 64)
	if err == nil {
		root, err = tlog.ParseHash(lines[2])
	}
	return size, root, err
}

func proof(lines []string) (p []tlog.Hash) {
	for _, line := range lines {
		if line != "" {
			h, err := tlog.ParseHash(line)
			must(err)
			p = append(p, h)
		}
	}
	return p
}

func flip(data []byte, bit int) []byte {
	out := append([]byte(nil), data...)
	out[bit/8] ^= 1 << (bit % 8)
	return out
}

func flipHash(h tlog.Hash, bit int) tlog.Hash {
	h[bit/8] ^= 1 << (bit % 8)
	return h
}

func main() {
	folder := os.Args[1]
	var list []note.Verifier
	for _, line := range strings.Fields(read(folder, "keys")) {
		if v, err := note.NewVerifier(line); err == nil { // Go knows Ed25519 alone
			list = append(list, v)
		}
	}
	verifiers := note.VerifierList(list...)
	checkpoint := read(folder, "checkpoint")
	size, root, err := open(checkpoint, verifiers)
	must(err)

	// The tree over the exported entries, built here.
	var stored hashes
	for i, line := range bytes.Split(bytes.TrimSuffix([]byte(read(folder, "log.jsonl")), []byte("\n")), []byte("\n")) {
		h, err := tlog.StoredHashes(int64(i), line, stored)
		must(err)
		stored = append(stored, h...)
		if int64(i+1) == size {
			break
		}
	}
	own, err := tlog.TreeHash(size, stored)
	must(err)
	if own != root {
		must(fmt.Errorf("the root over the exported entries is %v, the signed one %v", own, root))
	}

	flips, receipts, pairs := 0, 0, 0
	refuse := func(accepted bool, what string) {
		flips++
		if accepted {
			must(fmt.Errorf("accepted with one bit flipped: %s", what))
		}
	}
	// Each bit of what is signed, and of the signature itself.
	text := checkpoint[:strings.LastIndex(checkpoint, "\n\n")+1]
	for bit := 0; bit < len(text)*8; bit++ {
		_, _, err := open(string(flip([]byte(text), bit))+checkpoint[len(text):], verifiers)
		refuse(err == nil, fmt.Sprintf("checkpoint bit %d", bit))
	}
	line := strings.Split(checkpoint[len(text)+1:], "\n")[0]
	space := strings.LastIndex(line, " ")
	signature, err := base64.StdEncoding.DecodeString(line[space+1:])
	must(err)
	for bit := 0; bit < len(signature)*8; bit++ {
		changed := text + "\n" + line[:space+1] + base64.StdEncoding.EncodeToString(flip(signature, bit)) + "\n"
		_, _, err := open(changed, verifiers)
		refuse(err == nil, fmt.Sprintf("signature bit %d", bit))
	}

	files, err := filepath.Glob(filepath.Join(folder, "receipts", "*.tlog-proof"))
	must(err)
	for n, file := range files {
		text := read(file)
		at := strings.Index(text, "\n\n")
		lines := strings.Split(text[:at], "\n")
		entry, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(lines[1], "extra "))
		must(err)
		index, err := strconv.ParseInt(strings.TrimPrefix(lines[2], "index "), 10, 64)
		must(err)
		treeSize, treeRoot, err := open(text[at+2:], verifiers)
		must(err)
		p := tlog.RecordProof(proof(lines[3:]))
		must(tlog.CheckRecord(p, treeSize, treeRoot, index, tlog.RecordHash(entry)))
		receipts++
		refuse(tlog.CheckRecord(p, treeSize, treeRoot, index, tlog.RecordHash(flip(entry, n*7919%(len(entry)*8)))) == nil, file+": entry")
		refuse(tlog.CheckRecord(p, treeSize, treeRoot, index^1, tlog.RecordHash(entry)) == nil, file+": index")
		refuse(tlog.CheckRecord(p, treeSize, flipHash(treeRoot, n%256), index, tlog.RecordHash(entry)) == nil, file+": root")
		bad := append(tlog.RecordProof(nil), p...)
		bad[n%len(bad)] = flipHash(bad[n%len(bad)], n%256)
		refuse(tlog.CheckRecord(bad, treeSize, treeRoot, index, tlog.RecordHash(entry)) == nil, file+": proof")
	}

	for n, line := range strings.Split(strings.TrimSpace(read(folder, "consistency")), "\n") {
		parts := strings.Split(line, " ")
		from, err := strconv.ParseInt(parts[0], 10, 64)
		must(err)
		to, err := strconv.ParseInt(parts[1], 10, 64)
		must(err)
		fromRoot, err := tlog.TreeHash(from, stored)
		must(err)
		toRoot, err := tlog.TreeHash(to, stored)
		must(err)
		p := tlog.TreeProof(proof(strings.Split(parts[2], ",")))
		must(tlog.CheckTree(p, to, toRoot, from, fromRoot))
		pairs++
		refuse(tlog.CheckTree(p, to, flipHash(toRoot, n%256), from, fromRoot) == nil, line+": new root")
		refuse(tlog.CheckTree(p, to, toRoot, from, flipHash(fromRoot, n%256)) == nil, line+": old root")
		if len(p) > 0 {
			bad := append(tlog.TreeProof(nil), p...)
			bad[n%len(bad)] = flipHash(bad[n%len(bad)], n%256)
			refuse(tlog.CheckTree(bad, to, toRoot, from, fromRoot) == nil, line+": proof")
		}
	}
	fmt.Printf("OK entries=%d receipts=%d pairs=%d flips=%d\n", size, receipts, pairs, flips)
}
