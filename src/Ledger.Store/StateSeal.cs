using System.Text;
using Ledger.Domain;
using Marten;

namespace Ledger.Store;

/// <summary>
/// Seals the states beside the streams, so that a decision can rest on them: a <see cref="Mac"/> over a state's kind
/// and stored form, in which stream, revision and all the rest stand. The key is not in the database: whoever edits a
/// state there cannot seal it. A state without a seal that holds is no fault by itself (another build wrote it, in
/// another form); it is worked out from its events.
/// </summary>
public sealed class StateSeal(byte[] key, ISerializer json)
{
    /// <summary>A document as it is stored: sealed, when it is a stream's state.</summary>
    public string Write(object document) => document is Aggregate state ? Sealed(state) : json.ToJson(document);

    private string Sealed(Aggregate state)
    {
        var form = Form(state);
        return $$"""{"seal":"{{Of(state, form)}}",{{form.AsSpan(1)}}""";
    }

    public bool Holds(Aggregate state) => state.Seal is { } seal && seal == Of(state, Form(state));

    /// <summary>The state as it is stored, without its seal.</summary>
    public string Form(Aggregate state) => json.ToJson(state.Seal is null ? state : state with { Seal = null });

    private string Of(Aggregate state, string form) =>
        Mac.Of(key, Encoding.UTF8.GetBytes($"{state.GetType().Name}\n{form}"));
}
