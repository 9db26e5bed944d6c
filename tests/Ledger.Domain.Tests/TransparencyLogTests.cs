using System.Text;
using CsCheck;
using Ledger.TransparencyLog;
using Org.BouncyCastle.Crypto.Digests;

namespace Ledger.Domain.Tests;

/// <summary>
/// The tree, the notes and the entries, against published vectors and against every size of tree up to 130.
/// </summary>
public sealed class TransparencyLogTests
{
    private static string Hex(byte[] bytes) => Convert.ToHexStringLower(bytes);

    private static byte[] Leaf(int i) => MerkleTree.HashLeaf(Encoding.UTF8.GetBytes($"entry {i}"));

    /// <summary>Nodes computed from the leaves by the definition: MTH of RFC 6962, section 2.1.</summary>
    private static byte[] Node(int level, long index) =>
        level == 0 ? Leaf((int)index) : MerkleTree.HashNode(Node(level - 1, 2 * index), Node(level - 1, 2 * index + 1));

    [Fact]
    public void The_roots_are_those_of_audit_log_md()
    {
        Assert.Equal("e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855", Hex(MerkleTree.EmptyRoot));
        var abc = new MerkleTree.Growing();
        foreach (var c in "abc")
            abc.Add(MerkleTree.HashLeaf([(byte)c]));
        Assert.Equal("36642e73c2540ab121e3a6bf9545b0a24982cd830eb13d3cd19de3ce6c021ec1", Hex(abc.Root()));
    }

    [Fact]
    public void Every_leaf_of_every_size_is_proved_and_every_two_sizes_are_consistent_and_nothing_else_is()
    {
        var random = new Random(6962);
        var roots = new List<byte[]> { MerkleTree.EmptyRoot };
        var growing = new MerkleTree.Growing();
        for (var i = 0; i < 130; i++)
        {
            growing.Add(Leaf(i));
            roots.Add(growing.Root());
            Assert.Equal(MerkleTree.Root(i + 1, Node), growing.Root());
        }
        static byte[] Flip(byte[] hash, int bit)
        {
            var copy = (byte[])hash.Clone();
            copy[bit / 8] ^= (byte)(1 << bit % 8);
            return copy;
        }
        for (var size = 1; size <= 130; size++)
        {
            for (var i = 0; i < size; i++)
            {
                var proof = MerkleTree.InclusionProof(i, size, Node);
                Assert.True(MerkleTree.VerifyInclusion(i, size, Leaf(i), proof, roots[size]));
                Assert.False(MerkleTree.VerifyInclusion(i, size, Leaf(i + 1), proof, roots[size]));
                Assert.False(MerkleTree.VerifyInclusion(i + 1, size, Leaf(i), proof, roots[size]));
                Assert.False(MerkleTree.VerifyInclusion(i, size, Leaf(i), [.. proof, Leaf(0)], roots[size]));
                Assert.False(MerkleTree.VerifyInclusion(i, size, Leaf(i), proof, Flip(roots[size], random.Next(256))));
                if (proof.Count == 0)
                    continue;
                Assert.False(MerkleTree.VerifyInclusion(i, size, Leaf(i), [.. proof.Skip(1)], roots[size]));
                var at = random.Next(proof.Count);
                Assert.False(
                    MerkleTree.VerifyInclusion(
                        i,
                        size,
                        Leaf(i),
                        [.. proof.Select((p, n) => n == at ? Flip(p, random.Next(256)) : p)],
                        roots[size]
                    )
                );
            }
            for (var old = 0; old <= size; old++)
            {
                var proof = MerkleTree.ConsistencyProof(old, size, Node);
                Assert.True(MerkleTree.VerifyConsistency(old, size, roots[old], roots[size], proof), $"{old} → {size}");
                if (old is 0 || old == size)
                    continue;
                Assert.False(
                    MerkleTree.VerifyConsistency(old, size, Flip(roots[old], random.Next(256)), roots[size], proof)
                );
                Assert.False(
                    MerkleTree.VerifyConsistency(old, size, roots[old], Flip(roots[size], random.Next(256)), proof)
                );
                Assert.False(MerkleTree.VerifyConsistency(old, size, roots[old], roots[size], []));
                Assert.False(MerkleTree.VerifyConsistency(old, size, roots[old], roots[size], [.. proof, Leaf(0)]));
            }
        }
    }

    [Fact]
    public void Tile_paths_are_those_of_c2sp()
    {
        Assert.Equal("x001/x234/067", TileId.Path(1_234_067));
        Assert.Equal(1_234_067, TileId.ParseIndex("x001/x234/067", out var width));
        Assert.Equal(256, width);
        Assert.Equal(273, TileId.ParseIndex("273.p/112", out width));
        Assert.Equal(112, width);
        foreach (
            var wrong in new[]
            {
                "1",
                "x001",
                "0001",
                "x000/001",
                "001.p/0",
                "001.p/256",
                "001.p/01",
                "../001",
                "x001/x234",
                "",
                "x001/234/067",
            }
        )
            Assert.Null(TileId.ParseIndex(wrong, out _));
    }

    [Fact]
    public void A_note_is_read_as_it_was_written_and_its_keys_as_go_writes_them()
    {
        var signer = NoteSigner.Create("example.com/log", NoteAlgorithm.Ed25519);
        var other = NoteSigner.Create("example.com/log", NoteAlgorithm.Ed25519);
        var witness = NoteSigner.Create("audit.example/w1", NoteAlgorithm.Cosignature);
        var sm2 = NoteSigner.Create("example.com/log", NoteAlgorithm.Sm2);
        var bare = new Checkpoint("example.com/log", 7, Leaf(7), []);
        var now = DateTimeOffset.FromUnixTimeSeconds(1_800_000_000);
        var note = Checkpoint.Parse(
            (
                bare with
                {
                    Signatures = [.. new[] { signer, other, sm2, witness }.Select(s => s.Sign(bare.Text, now))],
                }
            ).Note
        );
        foreach (var key in new[] { signer, other, sm2, witness })
        {
            var again = NoteVerifier.Parse(key.Verifier.ToString());
            Assert.Equal(key.Verifier.KeyId, NoteSigner.Parse(key.Secret).Verifier.KeyId);
            Assert.Equal(1, note.Signatures.Count(s => again.Verifies(note.Text, s) == true));
            Assert.Equal(0, note.Signatures.Count(s => again.Verifies(note.Text.Replace('7', '8'), s) == true));
            Assert.DoesNotContain("PRIVATE", $"{key}");
        }
        // The example key of Go's sumdb/note documentation.
        var peter = NoteVerifier.Parse("PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW");
        var go = new NoteSignature(
            "PeterNeumann",
            peter.KeyId,
            Convert.FromBase64String(
                "x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM="
            )[4..]
        );
        Assert.True(
            peter.Verifies(
                "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n",
                go
            )
        );
        foreach (
            var wrong in new[]
            {
                "",
                "x\n\n",
                "a\n1\nAAAA\n\n— a AAAAAAAA\n",
                bare.Text + "\n",
                note.Note.Replace("7\n", "07\n", StringComparison.Ordinal),
                note.Note + "x",
                note.Note.Replace("— ", "- ", StringComparison.Ordinal),
            }
        )
            Assert.Throws<NoteException>(() => Checkpoint.Parse(wrong));
        Assert.Throws<NoteException>(() =>
            NoteVerifier.Parse(signer.Verifier.ToString().Replace("+A", "+B", StringComparison.Ordinal))
        );
    }

    /// <summary>GB/T 32905-2016, appendix A; GB/T 32918.5-2017, appendix A.2.</summary>
    [Fact]
    public void Sm3_and_sm2_are_those_of_the_standards()
    {
        static string Sm3(string text)
        {
            var digest = new SM3Digest();
            digest.BlockUpdate(Encoding.ASCII.GetBytes(text));
            var hash = new byte[32];
            digest.DoFinal(hash, 0);
            return Hex(hash);
        }
        Assert.Equal("66c7f0f462eeedd9d1f2d46bdc10e4e24167c4875cf2f7a2297da02b8f4ba8e0", Sm3("abc"));
        Assert.Equal(
            "debe9ff92275b8a138604889c18e5a4d6fdb70e5387e5765293dcba39c0c5732",
            Sm3(string.Concat(Enumerable.Repeat("abcd", 16)))
        );

        var key = NoteSigner.Of(
            "standard",
            NoteAlgorithm.Sm2,
            Convert.FromHexString("3945208F7B2144B13F36E38AC6D39F95889393692860B51A42FB81EF4DF7C5B8")
        );
        Assert.Equal(
            "04"
                + "09f9df311e5421a150dd7d161e4bc5c672179fad1833fc076bb08ff356f35020"
                + "ccea490ce26775a52dc6ea718cc1aa600aed05fbf35e084a6632f6072da9ad13",
            Hex(key.Verifier.PublicKey)
        );
        var standard = Convert.FromHexString(
            "F5A03B0648D2C4630EEAC513E1BB81A15944DA3827D5B74143AC7EACEEE720B3"
                + "B1B6AA29DF212FD8763182BC0D421CA1BB9038FD1F7F42D4840B69C485BBC1AA"
        );
        Assert.True(
            key.Verifier.Verifies("message digest", new NoteSignature("standard", key.Verifier.KeyId, standard))
        );
        Assert.False(
            key.Verifier.Verifies("message digesT", new NoteSignature("standard", key.Verifier.KeyId, standard))
        );
        Assert.True(key.Verifier.Verifies("message digest", key.Sign("message digest", DateTimeOffset.UnixEpoch)));
    }

    [Fact]
    public void An_entry_has_one_form_whatever_the_order_and_spacing_of_what_is_stored()
    {
        static byte[] Bytes(string headers, string data) =>
            LogEntry.Bytes(
                3,
                new StoredEvent(
                    9,
                    Guid.Parse("00000000-0000-0000-0000-000000000001"),
                    "fund-1",
                    2,
                    "funds_allocated",
                    new DateTimeOffset(2026, 1, 2, 11, 4, 5, TimeSpan.FromHours(8)).AddTicks(1230),
                    "*DEFAULT*",
                    null,
                    "key \"1\"",
                    Encoding.UTF8.GetBytes(headers),
                    Encoding.UTF8.GetBytes(data)
                )
            );
        var expected = """
            {"causation":"key \"1\"","correlation":null,"data":{"a":[1,{"x":null,"y":true}],
            "amountFen":123456789012345678,"b":"线\n\u0001"},"headers":{"actor":"li.si","role":"agency"},
            "id":"00000000-0000-0000-0000-000000000001","index":3,"recordedAt":"2026-01-02T03:04:05.000123Z",
            "sequence":9,"stream":"fund-1","tenant":"*DEFAULT*","type":"funds_allocated","version":2}
            """.ReplaceLineEndings("");
        Assert.Equal(
            expected,
            Encoding.UTF8.GetString(
                Bytes(
                    """{"role": "agency", "actor": "li.si"}""",
                    """{"b": "线\n\u0001", "amountFen": 123456789012345678, "a": [1, {"y": true, "x": null}]}"""
                )
            )
        );
        Assert.Equal(
            expected,
            Encoding.UTF8.GetString(
                Bytes(
                    """{"actor":"li.si","role":"agency"}""",
                    """{"a":[ 1,{"x":null,"y":true}],"amountFen":123456789012345678,"b":"\u7ebf\n\u0001"}"""
                )
            )
        );
        Assert.Equal(
            expected,
            Encoding.UTF8.GetString(
                Bytes(
                    """{"actor":"li.si","role":"agency"}""",
                    """{"\u0061":[ 1,{"x":null,"y":true}],"amountFen":123456789012345678,"b":"线\n\u0001"}"""
                )
            )
        );
        // What does not fit stands there by its digest, and another one by another.
        var (one, other) = (
            Bytes("{}", $"\"{new string('x', LogEntry.MaxBytes)}\""),
            Bytes("{}", $"\"{new string('y', LogEntry.MaxBytes)}\"")
        );
        Assert.True(LogEntry.IsDigest(one));
        Assert.InRange(one.Length, 1, 1_000);
        Assert.NotEqual(one, other);
    }

    [Fact]
    public void Any_text_survives_the_canonical_form() =>
        Gen.String.Sample(text =>
        {
            if (text.EnumerateRunes().Any(r => r == Rune.ReplacementChar))
                return; // half a surrogate pair is no text and never comes out of jsonb
            var data = System.Text.Json.JsonSerializer.Serialize(new { t = text });
            var entry = LogEntry.Bytes(
                0,
                new StoredEvent(
                    1,
                    Guid.Empty,
                    "s",
                    1,
                    "t",
                    DateTimeOffset.UnixEpoch,
                    "*DEFAULT*",
                    null,
                    null,
                    [.. "{}"u8],
                    Encoding.UTF8.GetBytes(data)
                )
            );
            using var read = System.Text.Json.JsonDocument.Parse(entry);
            Assert.Equal(text, read.RootElement.GetProperty("data").GetProperty("t").GetString());
        });
}
