#!/usr/bin/env python3
"""An auditor's second program: draws a sample again, from the exported log alone, with nothing of the ledger's.

    redraw.py <log.jsonl> <checkpoint> <sample id>

The checkpoint's signature is checked by ledger-verify or tests/go; here its root is worked out from the log, and then
population, seed and fen of the sample, each compared with what the ledger wrote down. Exit 0: all of it is the same.
It cannot see whether there was an earlier checkpoint after the announcement: whoever keeps them (a witness) can.
"""
import base64, json, sys
from hashlib import sha256

KIND = {"funds_reserved": "reserved", "surplus_returned": "returned", "allocation_reversed": "returned",
        "funds_transferred": "transferred"}


def root(leaves):  # RFC 6962: complete subtrees of a binary counter, joined from the right
    stack = []
    for n, leaf in enumerate(leaves, 1):
        stack.append(sha256(b"\0" + leaf).digest())
        while n % 2 == 0:
            right, left = stack.pop(), stack.pop()
            stack.append(sha256(b"\1" + left + right).digest())
            n //= 2
    while len(stack) > 1:
        right, left = stack.pop(), stack.pop()
        stack.append(sha256(b"\1" + left + right).digest())
    return stack[0] if stack else sha256(b"").digest()


def same(what, ours, ledgers):
    if ours != ledgers:
        sys.exit(f"{what}: {ours} here, {ledgers} there")


def main(log, checkpoint, sample):
    lines = [line for line in open(log, "rb").read().split(b"\n") if line]
    events = [json.loads(line) for line in lines]
    _, size, top = open(checkpoint, encoding="utf-8").read().split("\n")[:3]
    same("root of the checkpoint", base64.b64encode(root(lines[:int(size)])).decode(), top)

    at, told = next((i, e["data"]) for i, e in enumerate(events)
                    if e["stream"] == sample and e["type"] == "sample_announced")
    drawn = next(e["data"] for e in events if e["stream"] == sample and e["type"] == "sample_drawn")
    if not at < drawn["treeSize"] <= int(size) or told["logSize"] > at:
        sys.exit("the draw is not of a tree after the announcement, or the population is")
    spans = sorted(
        (f'{e["stream"]}/{e["data"]["subAccount"]}', e["data"]["fen"]["from"], e["data"]["fen"]["to"])
        for e in events[:told["logSize"]]
        if KIND.get(e["type"]) == told["kind"]
        and e["headers"]["effectiveDate"].startswith(f'{told["year"]:04}')
        and e["headers"]["region"].startswith(told["region"])
        and told.get("fundId") in (None, e["stream"]))
    digest = sha256("".join(f"{a} {f} {t}\n" for a, f, t in spans).encode()).hexdigest()
    same("population", digest, told["populationDigest"])
    total, count = sum(t - f for _, f, t in spans), told["size"]
    same("fen", total, told["populationFen"])

    words, tree = drawn["words"], root(lines[:drawn["treeSize"]]).hex()
    same("words", sha256(words.encode()).hexdigest(), told["wordsDigest"])
    same("root", tree, drawn["root"])
    seed = sha256(f'ledger fen sample v1\n{digest}\n{drawn["treeSize"]}\n{tree}\n{words}'.encode()).digest()
    same("seed", seed.hex(), drawn["seed"])

    counter, start = 0, None
    most = (2**64 - 1) - (2**64 - 1) % total
    while start is None:
        number = int.from_bytes(sha256(seed + counter.to_bytes(8, "big")).digest()[:8], "big")
        start, counter = number % total if number < most else None, counter + 1
    fen = []
    for position in ((start + k * total) // count for k in range(count)):
        for account, first, end in spans:
            if position < end - first:
                fen.append((account, first + position))
                break
            position -= end - first
    same("drawn", fen, [(d["account"], d["fen"]) for d in drawn["fen"]])
    print(f"{len(fen)} fen of {total}, the same")


if __name__ == "__main__":
    main(*sys.argv[1:])
