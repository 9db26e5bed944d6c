using System.Text.RegularExpressions;
using Ledger.Api.Operation;
using Ledger.Api.Security;
using Ledger.Api.Storage;
using Ledger.Domain;
using Ledger.Domain.Identity;

namespace Ledger.Api.Commands;

/// <summary>
/// What a refusal may leave behind. Of somebody known: an event, <see cref="Settings.RefusalsPerMinute"/> of them a
/// minute; what is past that is counted and logged. Of somebody unknown: nothing in the database, a count and a line in
/// the log. Each node counts for itself.
/// </summary>
public sealed partial class Refusals(Settings settings, TimeProvider time, ILogger<Refusals> log)
{
    /// <summary>
    /// A refused answer is kept for its key up to this many bytes; a longer one is worked out anew: nothing came of it.
    /// </summary>
    private const int MaxKeptBytes = 8 * 1024;

    /// <summary>Beyond so many people those are forgotten of whom there is nothing left to say.</summary>
    private const int MaxPeople = 1_000;

    /// <summary>All of them together; nobody known has an empty name.</summary>
    private const string Unknown = "";

    private static readonly TimeSpan Minute = TimeSpan.FromMinutes(1);
    private readonly Dictionary<string, Counts> _people = [];

    private sealed class Counts
    {
        public DateTimeOffset From { get; set; }
        public int Taken { get; set; }

        /// <summary>How many were only counted, and have not been told of yet.</summary>
        public int OnlyCounted { get; set; }

        /// <summary>What the log has heard of in this minute.</summary>
        public HashSet<(string Command, string Code)> Logged { get; } = [];
    }

    /// <summary>The right to store one refusal; it is given back unless the refusal was stored.</summary>
    public sealed class Place(Refusals refusals, string person, DateTimeOffset? onlyCountedUntil, int onlyCounted)
        : IDisposable
    {
        private bool _isUsed;

        public CommandRefused Event(string command, Rejection rejection, string? target) =>
            new(command, rejection.Code.Code, Target(target), onlyCountedUntil, onlyCounted > 0 ? onlyCounted : null);

        public void Used()
        {
            _isUsed = true;
            if (onlyCounted > 0)
                refusals.Log.LogWarning("{Count} refusals of {Actor} were only counted", onlyCounted, person);
        }

        public void Dispose()
        {
            if (!_isUsed)
                refusals.GiveBack(person, onlyCounted);
        }
    }

    private ILogger Log => log;

    /// <summary>Null: this one is not stored; <see cref="CountOnly"/> it.</summary>
    public Place? Take(Actor by)
    {
        if (Caller.IsUnknown(by))
            return null;
        lock (_people)
        {
            var counts = Of(by.Id);
            if (settings.RefusalsPerMinute > 0 && counts.Taken >= settings.RefusalsPerMinute)
                return null;
            counts.Taken++;
            var (untold, isLast) = (counts.OnlyCounted, counts.Taken == settings.RefusalsPerMinute);
            counts.OnlyCounted = 0;
            return new Place(this, by.Id, isLast ? counts.From + Minute : null, untold);
        }
    }

    /// <summary>
    /// A refusal that leaves no event. The log gets the first of each kind in a minute: a flood must not fill that
    /// instead.
    /// </summary>
    public void CountOnly(Actor by, string command, RejectionCode code)
    {
        var isKnown = !Caller.IsUnknown(by);
        Telemetry.CountUnrecorded(isKnown, command, code.Code);
        int soFar;
        lock (_people)
        {
            var counts = Of(isKnown ? by.Id : Unknown);
            soFar = ++counts.OnlyCounted;
            if (!counts.Logged.Add((command, code.Code)))
                return;
            if (!isKnown)
                counts.OnlyCounted = 0; // no event will tell
        }
        if (isKnown)
            log.LogWarning(
                "{Actor} was refused more than {Limit} times in a minute: {Command}, "
                    + "{Code} is only counted, {SoFar} so far",
                by.Id,
                settings.RefusalsPerMinute,
                command,
                code.Code,
                soFar
            );
        else
            log.LogWarning(
                "Somebody who is not signed in was refused: {Command}, {Code}; {SoFar} were counted since "
                    + "this was last said of any",
                command,
                code.Code,
                soFar
            );
    }

    /// <summary>
    /// Whether a refused answer is kept: it is short, and no number of a person stands in what it repeats of the
    /// request.
    /// </summary>
    public static bool IsKept(StoredAnswer answer, Rejection rejection, string path) =>
        answer.Body.Length <= MaxKeptBytes
        && new[] { path, rejection.Detail, rejection.Field }
            .Concat(rejection.Faults.Select(f => f.Message))
            .Concat(rejection.Notes.Select(n => n.Message))
            .All(text => text is null || PersonalNumbers.In(text) is null);

    /// <summary>An id that may stand in an event for ever: it could be one of ours, and is nobody's number.</summary>
    private static string? Target(string? id) =>
        id is not null && Ids().IsMatch(id) && PersonalNumbers.In(id) is null ? id : null;

    private Counts Of(string person)
    {
        var now = time.GetUtcNow();
        if (_people.Count > MaxPeople)
            foreach (var (gone, _) in _people.Where(p => p.Value.OnlyCounted == 0 && IsOver(p.Value, now)).ToList())
                _people.Remove(gone);
        if (!_people.TryGetValue(person, out var counts))
            _people[person] = counts = new Counts { From = now };
        if (!IsOver(counts, now))
            return counts;
        (counts.From, counts.Taken) = (now, 0);
        counts.Logged.Clear();
        return counts;
    }

    /// <summary>Also when the clock was set back.</summary>
    private static bool IsOver(Counts counts, DateTimeOffset now) => (now - counts.From).Duration() >= Minute;

    private void GiveBack(string person, int onlyCounted)
    {
        lock (_people)
        {
            var counts = Of(person);
            counts.Taken = Math.Max(0, counts.Taken - 1); // the minute may be another by now
            counts.OnlyCounted += onlyCounted;
        }
    }

    [GeneratedRegex(@"\A[A-Za-z0-9._-]{1,100}\z")]
    private static partial Regex Ids();
}
