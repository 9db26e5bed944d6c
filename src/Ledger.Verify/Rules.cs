using System.Buffers.Text;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;

namespace Ledger.Verify;

/// <summary>
/// The ledger's promises, recomputed from the log alone: no stream has a gap; money is conserved and no balance is
/// negative; fen come in and go out in one unbroken row; an application's lines share out exactly what was reserved for
/// it; nobody gets more than the year's highest tier (C11), and only who lives, is a member, has paid himself and none
/// to catch up, or by the government where the policy year said then that it is enough (L14), and no contribution is
/// changed that is none, or refunded beyond what was paid (L15); once a year of one origin, at approval and at payment
/// (C4, C5, C6); one transfer of the bank pays one application (C17); filer, reviewer, approver and payer are different
/// people (C15), whatever accounts they have and whom they act for, each in the role whose duty it is (C20); who paid
/// confirms no receipt (C17); none of them answers an objection or a complaint about it, nor who complained or answered
/// before; the township does, and the county what has come there (L18); who asks for a correction does not confirm it;
/// and nobody gives rights alone where there are two to do it (C20). By business date too no balance is negative, so
/// that no payment is dated before its approval and no refund before its receipt; none is dated before the notice was
/// over, which ran as long as the policy year says (C16); the rest of a sub-account goes by two (C9), and a split takes
/// its members' share (C24); a closed year was sealed as it stood, and takes nothing more (C24). What was credited does
/// not come back for a death (L1), nor after it was cleared to the person (L2). Nothing is paid while the village's
/// supervision committee holds it; the township lifts a hold, and nobody who handled the application; who signed or
/// held it does not pay. Where the policy year asks for it, the committee has signed what is paid and what is adopted,
/// and the township countersigned that (L7, C21). What plans rest on, and the payee, the city changes by two
/// (<see cref="PolicyChanges"/>). A plan is adopted as a meeting decided that could: a body that the
/// policy year lets decide, as many present and as many for it as it asks (C13, L4), called as it asks (L5); and nobody
/// files before the resolution was published for its days (L6). Each office does its own duty in its own place
/// (<see cref="Offices"/>), one step after the other, and what two events say of one thing is the same
/// (<see cref="Conduct"/>). What was recorded later stands later.
/// </summary>
/// <param name="mostFeesFen">What a fund's bank fees that are not made good may come to (L17).</param>
/// <param name="margin">How far the clocks of two nodes may be apart, and one may be set back.</param>
/// <param name="seenAt">When a witness saw the checkpoint: nothing under it is recorded later.</param>
/// <param name="found">Takes what does not hold; the log is read on past it.</param>
public sealed class Rules(long mostFeesFen, TimeSpan margin, DateTimeOffset? seenAt, Found found)
{
    private readonly Offices _offices = new();
    private readonly Turns _turns = new(
        margin,
        DateTimeOffset.UtcNow,
        (index, what) => found.Add(index, $"第 {index} 条{what}")
    );
    private PolicyChanges? _changes;
    private readonly Conduct _conduct = new(mostFeesFen);
    private DateTimeOffset _at;

    private sealed class Pocket
    {
        public long In,
            Out;
    }

    private sealed class Fund
    {
        public long Allocated,
            Available,
            Reserved,
            InTransit,
            Credited,
            Returned;
        public int ClosedThrough;
        public readonly Dictionary<string, ByDate> Accounts = [];
    }

    private sealed class Application(string id)
    {
        public readonly string Id = id;
        public readonly byte[] Utf8 = Encoding.UTF8.GetBytes(id);
        public readonly HashSet<string> Filers = [],
            Reviewers = [],
            Approvers = [],
            Payers = [],
            Committee = [];
        public readonly Dictionary<string, string[]> LineReviewers = [];
        public string[] RestReviewers = [];
        public readonly Dictionary<string, Complaint> Complaints = [];
        public bool IsHeld,
            IsSigned;
        public string Year = "",
            Plan = "";
        public long Reserved,
            InTransit,
            Credited,
            From,
            To,
            Lines;
        public byte[] Fund = [],
            SubAccount = [];
        public DateOnly? NoticeUntil;
        public readonly Dictionary<string, ByDate> Accounts = new(3);
    }

    /// <summary>Who raised or answered it, and whether it has come to the county (L18).</summary>
    private sealed class Complaint
    {
        public readonly HashSet<string> Handlers = [];
        public bool IsAtCounty;
    }

    /// <summary>
    /// A plan's latest resolution and its version, which versions were signed and published, and by whom.
    /// </summary>
    private sealed class Adoption
    {
        public JsonElement? Resolution;
        public int Resolved,
            Signed,
            Countersigned;
        public readonly HashSet<string> Hands = [],
            Signers = [];
        public readonly Dictionary<int, DateOnly> Published = [];
    }

    /// <summary>
    /// What came to an account, or left it, on each business date: a later entry may be dated earlier.
    /// </summary>
    private sealed class ByDate
    {
        private readonly List<(DateOnly On, long Fen, long? LastOut)> _moves = [];

        public void Move(DateOnly on, long fen, long index)
        {
            if (_moves.Count > 0 && _moves[^1] is var last && last.On == on)
                _moves[^1] = (on, last.Fen + fen, fen < 0 ? index : last.LastOut);
            else
                _moves.Add((on, fen, fen < 0 ? index : null));
        }

        public long Through(int year) => _moves.Where(m => m.On.Year <= year).Sum(m => m.Fen);

        /// <summary>The first date at whose end it is negative, and the entry that made it so.</summary>
        public (DateOnly On, long Fen, long Index)? Negative()
        {
            var (sum, lastOut) = (0L, 0L);
            foreach (var day in _moves.GroupBy(m => m.On).OrderBy(g => g.Key))
            {
                sum += day.Sum(m => m.Fen);
                lastOut = day.Max(m => m.LastOut) ?? lastOut;
                if (sum < 0)
                    return (day.Key, sum, lastOut);
            }
            return null;
        }
    }

    private readonly Dictionary<string, Stream> _streams = [];
    private readonly Dictionary<string, string> _types = [];
    private readonly Dictionary<string, Fund> _funds = [];
    private readonly Dictionary<string, Pocket> _pockets = [];
    private readonly Dictionary<string, Application> _applications = [];
    private readonly Dictionary<string, long> _caps = [];
    private readonly Dictionary<(int County, int Year), long> _capOf = [];
    private readonly Dictionary<string, Asked> _asks = [];
    private readonly Dictionary<string, Adoption> _plans = [];
    private readonly Dictionary<(string, string), string[]> _asked = [];
    private readonly Dictionary<
        (string Fund, string Pocket),
        (bool Frees, (long, long) Fen, string[] By)
    > _restsAsked = [];
    private readonly Dictionary<string, int> _surveyed = [];
    private readonly Dictionary<string, string> _origins = [];
    private readonly Dictionary<(string Fund, string Reference), string> _transfers = [];
    private readonly Dictionary<string, string> _persons = new(StringComparer.OrdinalIgnoreCase);
    private readonly HashSet<string> _receipts = [];
    private readonly List<(string Account, string Region)> _administrators = [];
    private Application? _last;
    private long _approvals,
        _moved,
        _years;

    /// <summary>The stream that a token names. Most tokens name one that is known: then no string is made.</summary>
    public Stream StreamOf(ref Utf8JsonReader reader)
    {
        Span<char> name = stackalloc char[reader.ValueSpan.Length];
        name = name[..reader.CopyString(name)];
        var known = _streams.GetAlternateLookup<ReadOnlySpan<char>>();
        if (known.TryGetValue(name, out var stream))
            return stream;
        var id = name.ToString();
        return _streams[id] = new Stream(id);
    }

    public string TypeOf(ref Utf8JsonReader reader)
    {
        Span<char> name = stackalloc char[reader.ValueSpan.Length];
        name = name[..reader.CopyString(name)];
        var known = _types.GetAlternateLookup<ReadOnlySpan<char>>();
        if (known.TryGetValue(name, out var type))
            return type;
        type = name.ToString();
        return _types[type] = type;
    }

    private readonly List<(long From, long To)> _unused = [];
    private long _highest;

    /// <summary>
    /// The store's number of an event, which each has for itself; one that was committed late stands behind higher
    /// ones.
    /// </summary>
    public void Sequence(long index, long sequence)
    {
        if (sequence > _highest)
        {
            if (sequence > _highest + 1)
                _unused.Add((_highest + 1, sequence - 1));
            _highest = sequence;
            return;
        }
        var at = _unused.FindLastIndex(u => u.From <= sequence && sequence <= u.To);
        if (at < 0)
        {
            found.Add(index, $"第 {index} 条的序号 {sequence} 已有别的条目");
            return;
        }
        var (from, to) = _unused[at];
        _unused.RemoveAt(at);
        if (sequence < to)
            _unused.Insert(at, (sequence + 1, to));
        if (from < sequence)
            _unused.Insert(at, (from, sequence - 1));
    }

    /// <summary>One that was committed late stands behind later ones, by no more than the margin.</summary>
    /// <param name="isSigned">It lies under the checkpoint.</param>
    public void RecordedAt(long index, DateTimeOffset at, bool isSigned)
    {
        _at = at;
        if (isSigned && at > seenAt + margin)
        {
            found.Add(
                index,
                $"第 {index} 条记录于 {at.UtcDateTime:yyyy-MM-dd HH:mm:ss}Z，晚于检查点的见证时间 {seenAt:yyyy-MM-dd HH:mm:ss}Z"
            );
            return;
        }
        _turns.Take(index, at);
    }

    /// <summary>An entry of which the log has only the digest: nothing is said of it, and nothing follows.</summary>
    public void Digest(long index) =>
        found.Add(
            index,
            $"第 {index} 条只存摘要（rowSha256）：原事件放不进日志，不是产品写入的，规则无从核对；"
                + "只核对日志本身用 --only-hashes"
        );

    public string Summary =>
        $"\n守恒 {_funds.Count} 个资金、{_moved} 笔资金事项；上限、资格 {_years} 次补助；职责分离 {_approvals} 次审批：全部成立；任何业务日期余额都不为负。";

    public void Take(Entry e)
    {
        var isNext = e.Version == unchecked(e.Stream.Version + 1);
        if (!isNext)
            Tell(Fails(e, $"{e.Stream.Id} 的版本从 {e.Stream.Version} 跳到 {e.Version}"));
        if (isNext || !found.IsKnown(e.Index)) // what is known takes no place from the next
            e.Stream.Version = e.Version;
        if (e.Data.Span.StartsWith("""{"rowSha256":"""u8))
        {
            Digest(e.Index);
            return;
        }
        if (found.PassedOver.ContainsKey(e.Index))
            return;
        if (!Offices.Knows(e.Type))
            Tell(Fails(e, "没有这种事件；如由更新的版本写入，请用那个版本的 ledger-verify"));
        switch (e.Type)
        {
            case "funds_allocated"
            or "funds_reserved"
            or "reservation_released"
            or "funds_paid"
            or "funds_returned"
            or "funds_credited"
            or "funds_refunded"
            or "allocation_reversed"
            or "earmark_lifted"
            or "surplus_returned"
            or "funds_transferred"
            or "transfer_received"
            or "bank_fee_charged"
            or "bank_fee_reimbursed"
            or "reversal_requested"
            or "surplus_return_requested"
            or "earmark_lift_requested":
                With(e, Money, sums: true);
                break;
            case "year_closed":
                With(e, Closed, sums: true);
                break;
            case "notice_published":
                With(e, Notice);
                break;
            case "payment_sent":
                With(e, Notice);
                With(e, Duties);
                With(e, Watch);
                break;
            case "payment_signed" or "payment_held" or "payment_hold_lifted" or "payment_returned":
                With(e, Watch);
                break;
            case "subsidy_approved":
                Approved(e);
                break;
            case "member_registered"
            or "membership_ended"
            or "membership_moved"
            or "departure_revoked"
            or "death_recorded"
            or "death_revoked"
            or "member_change_requested"
            or "member_corrected"
            or "collective_surveyed"
            or "collective_merged"
            or "members_separated":
                With(e, Belonging);
                break;
            case "contribution_recorded"
            or "subsidy_paid"
            or "subsidy_credited"
            or "subsidy_released"
            or "subsidy_refunded"
            or "subsidy_cleared"
            or "sponsorship_recorded"
            or "sponsorship_reversed"
            or "contribution_adjusted"
            or "contribution_refunded"
            or "contribution_reversal_requested"
            or "contribution_reversed":
                With(e, Member, sums: true);
                break;
            case "policy_year_published" or "policy_year_amended":
                _capOf.Clear();
                With(e, Policy);
                With(e, Changed);
                break;
            case "policy_year_change_proposed" or "policy_year_change_declined":
                With(e, Changed);
                break;
            case "plan_drafted"
            or "plan_amended"
            or "plan_step_recorded"
            or "resolution_recorded"
            or "resolution_published"
            or "plan_signed"
            or "plan_countersigned"
            or "plan_adopted":
                With(e, Plan);
                break;
            case "complaint_raised" or "complaint_escalated" or "complaint_answered":
                With(e, Complained);
                break;
            case "line_refunded":
                With(e, Final);
                break;
            case "application_filed"
            or "application_resubmitted"
            or "application_reviewed"
            or "application_approved"
            or "receipt_confirmed"
            or "objection_resolved":
                With(e, Duties);
                break;
            case "account_opened" or "account_changed" or "credentials_issued" or "account_holder_named":
                With(e, Rights);
                break;
        }
        if (Offices.IsAsked(e.Type))
            With(e, InOffice);
        if (Conduct.Knows(e.Type))
            With(e, Conducted);
    }

    /// <summary>
    /// A sum that an entry breaks is known only from here on: where that has been answered, the log is read once more,
    /// and the entry counts for nothing, as the product passes over it.
    /// </summary>
    private void Tell(Breach breach) => found.Add(breach.Index, breach.Message);

    private void InOffice(Entry e, JsonElement d, JsonElement headers)
    {
        if (_offices.Take(e.Type, e.Stream.Id, d, headers) is { } wrong)
            throw Fails(e, wrong);
    }

    private void Conducted(Entry e, JsonElement d, JsonElement headers)
    {
        if (_conduct.Take(e.Type, e.Stream.Id, d, headers) is { } wrong)
            throw Fails(e, wrong);
    }

    /// <param name="sums">What it adds up goes wrong with it: the log is not read on (<see cref="Tell"/>).</param>
    private void With(Entry e, Action<Entry, JsonElement, JsonElement> rule, bool sums = false)
    {
        using var data = JsonDocument.Parse(e.Data);
        using var headers = JsonDocument.Parse(e.Headers);
        try
        {
            rule(e, data.RootElement, headers.RootElement);
        }
        catch (Breach wrong) when (!sums)
        {
            Tell(wrong);
        }
        catch (Exception wrong)
            when (wrong is KeyNotFoundException or InvalidOperationException or FormatException or JsonException)
        {
            if (sums)
                throw Fails(e, $"内容无法理解：{wrong.Message}");
            Tell(Fails(e, $"内容无法理解：{wrong.Message}"));
        }
    }

    private static Breach Fails(Entry e, string what) =>
        new(e.Index, $"第 {e.Index} 条 {e.Type}（{e.Stream.Id}）：{what}");

    private Application Of(string id) =>
        _applications.TryGetValue(id, out var one) ? one : _applications[id] = new Application(id);

    private static T Of<T>(Dictionary<string, T> all, string id)
        where T : new()
    {
        if (!all.TryGetValue(id, out var one))
            all[id] = one = new T();
        return one;
    }

    private void Money(Entry e, JsonElement d, JsonElement headers)
    {
        if (e.Type is "surplus_return_requested" or "earmark_lift_requested")
        {
            _restsAsked[(e.Stream.Id, d.GetProperty("subAccount").GetString()!)] = (
                e.Type == "earmark_lift_requested",
                Fen(d, "fen"),
                Doers(d, "requestedBy")
            );
            return;
        }
        if (e.Type == "reversal_requested")
        {
            _asked[(e.Stream.Id, d.GetProperty("allocationId").GetString()!)] = Doers(d, "requestedBy");
            return;
        }
        _moved++;
        var fund = Of(_funds, e.Stream.Id);
        var amount = d.GetProperty("amountFen").GetInt64();
        if (amount <= 0)
            throw Fails(e, $"金额 {amount} 分");
        Dated(e, d, headers, fund, amount);
        var application = IsOfFund(e.Type) ? null : Of(d.GetProperty("applicationId").GetString()!);
        if (application is null)
            OfFund(e, d, headers, fund, amount);
        else
            ForApplication(e, d, headers, fund, application, amount);
        if (fund.Available < 0 || fund.Reserved < 0 || fund.InTransit < 0 || fund.Credited < 0)
            throw Fails(e, "余额为负");
        if (fund.Available + fund.Reserved + fund.InTransit + fund.Credited + fund.Returned != fund.Allocated)
            throw Fails(e, "资金不守恒");
        if (application is { Reserved: < 0 } or { InTransit: < 0 } or { Credited: < 0 })
            throw Fails(e, "某申请动用的钱多于为它占用的");
    }

    private static bool IsOfFund(string type) =>
        type
            is "funds_allocated"
                or "transfer_received"
                or "allocation_reversed"
                or "earmark_lifted"
                or "surplus_returned"
                or "funds_transferred"
                or "bank_fee_charged"
                or "bank_fee_reimbursed";

    private static string Account(Entry e, JsonElement d) => $"{e.Stream.Id}/{d.GetProperty("subAccount").GetString()}";

    private static (long From, long To) Fen(JsonElement d, string name) =>
        (d.GetProperty(name).GetProperty("from").GetInt64(), d.GetProperty(name).GetProperty("to").GetInt64());

    private void Came(Entry e, string account, (long From, long To) fen, long length)
    {
        var pocket = Of(_pockets, account);
        if (fen.From != pocket.In || fen.To - fen.From != length)
            throw Fails(e, $"{account} 进项应从第 {pocket.In} 分起共 {length} 分，却是 {fen}");
        pocket.In = fen.To;
    }

    private void Went(Entry e, string account, (long From, long To) fen, long length)
    {
        var pocket = Of(_pockets, account);
        if (fen.From != pocket.Out || fen.To - fen.From != length || fen.To > pocket.In)
            throw Fails(
                e,
                $"{account} 出项应从第 {pocket.Out} 分起共 {length} 分、不超过进项 {pocket.In} 分，却是 {fen}"
            );
        pocket.Out = fen.To;
    }

    /// <summary>What comes into a fund, or leaves it for good, for no application.</summary>
    private void OfFund(Entry e, JsonElement d, JsonElement headers, Fund fund, long amount)
    {
        switch (e.Type)
        {
            case "funds_allocated" or "transfer_received":
                Came(e, Account(e, d), Fen(d, "fen"), amount);
                (fund.Allocated, fund.Available) = (fund.Allocated + amount, fund.Available + amount);
                break;
            case "allocation_reversed":
                Reversed(e, d, headers, amount);
                (fund.Available, fund.Returned) = (fund.Available - amount, fund.Returned + amount);
                break;
            case "earmark_lifted":
                Rest(e, d, headers, fund);
                Went(e, Account(e, d), Fen(d, "origin"), amount);
                Came(e, $"{e.Stream.Id}/general", Fen(d, "fen"), amount);
                break;
            case "surplus_returned" or "funds_transferred":
                if (e.Type == "surplus_returned")
                    Rest(e, d, headers, fund);
                Went(e, Account(e, d), Fen(d, "fen"), amount);
                (fund.Available, fund.Returned) = (fund.Available - amount, fund.Returned + amount);
                break;
        }
    }

    /// <summary>
    /// C9, C20: the rest of a sub-account goes by two, the township's or, of the county's incentive, the county's; back
    /// to its sources only while nothing is under way. Before this day one person was enough, and the event names none.
    /// </summary>
    private void Rest(Entry e, JsonElement d, JsonElement headers, Fund fund)
    {
        var confirmed = d.TryGetProperty("confirmedBy", out var by) && by.ValueKind == JsonValueKind.String;
        if (!confirmed && BusinessDate(headers) < new DateOnly(2026, 12, 1))
            return;
        var pocket = d.GetProperty("subAccount").GetString()!;
        var frees = e.Type == "earmark_lifted";
        if (
            !confirmed
            || !_restsAsked.Remove((e.Stream.Id, pocket), out var asked)
            || asked.Frees != frees
            || asked.Fen != Fen(d, frees ? "origin" : "fen")
            || AnyIsOne(asked.By, Doers(d, "confirmedBy", headers))
        )
            throw Fails(e, "余款由申请人自己确认，或没有这样申请过");
        if (by.GetString() != headers.GetProperty("actor").GetString())
            throw Fails(e, "确认人与经办人不符");
        var role = headers.GetProperty("role").GetString();
        if (pocket == "county-incentive" ? role is not ("county-finance" or "county-hrss") : role != "township")
            throw Fails(e, $"角色 {role} 不能确认");
        if (!frees && (fund.Reserved > 0 || fund.InTransit > 0))
            throw Fails(e, "尚有占用或在途资金就退回了来源");
    }

    private void Reversed(Entry e, JsonElement d, JsonElement headers, long amount)
    {
        if (d.GetProperty("carriedOrigin") is { ValueKind: JsonValueKind.Object })
        {
            var carried = Fen(d, "carriedOrigin");
            Went(e, Account(e, d), carried, carried.To - carried.From);
            Went(e, Account(e, d), Fen(d, "fen"), amount);
            Came(e, Account(e, d), Fen(d, "carriedFen"), carried.To - carried.From);
        }
        else
            Went(e, Account(e, d), Fen(d, "fen"), amount);
        if (
            !_asked.TryGetValue((e.Stream.Id, d.GetProperty("allocationId").GetString()!), out var askers)
            || AnyIsOne(askers, Doers(d, "confirmedBy", headers))
        )
            throw Fails(e, "冲正由提出者自己确认，或没有提出过");
        if (d.GetProperty("confirmedBy").GetString() != headers.GetProperty("actor").GetString())
            throw Fails(e, "确认人与经办人不符");
    }

    /// <summary>What an application's money does, in the fund and in what is held for the application.</summary>
    private void ForApplication(
        Entry e,
        JsonElement d,
        JsonElement headers,
        Fund fund,
        Application application,
        long amount
    )
    {
        switch (e.Type)
        {
            case "funds_reserved":
                Went(e, Account(e, d), Fen(d, "fen"), amount);
                (application.Fund, application.SubAccount, (application.From, application.To)) = (
                    Encoding.UTF8.GetBytes(e.Stream.Id),
                    Encoding.UTF8.GetBytes(d.GetProperty("subAccount").GetString()!),
                    Fen(d, "fen")
                );
                fund.Available -= amount;
                Reserved(amount);
                break;
            case "reservation_released":
                Came(e, Account(e, d), Fen(d, "fen"), amount);
                fund.Available += amount;
                Reserved(-amount);
                break;
            case "funds_paid":
                Transferred(e, d, headers, application);
                Reserved(-amount);
                InTransit(amount);
                break;
            case "funds_returned":
                Reserved(amount);
                InTransit(-amount);
                break;
            case "funds_credited":
                InTransit(-amount);
                Credited(amount);
                break;
            default: // funds_refunded
                Came(e, Account(e, d), Fen(d, "fen"), amount);
                fund.Available += amount;
                if (d.GetProperty("wasCredited").GetBoolean())
                    Credited(-amount);
                else
                    InTransit(-amount);
                break;
        }

        void Reserved(long fen) =>
            (fund.Reserved, application.Reserved) = (fund.Reserved + fen, application.Reserved + fen);

        void InTransit(long fen) =>
            (fund.InTransit, application.InTransit) = (fund.InTransit + fen, application.InTransit + fen);

        void Credited(long fen) =>
            (fund.Credited, application.Credited) = (fund.Credited + fen, application.Credited + fen);
    }

    internal static DateOnly Date(JsonElement of, string name) =>
        DateOnly.ParseExact(of.GetProperty(name).GetString()!, "yyyy-MM-dd", CultureInfo.InvariantCulture);

    internal static DateOnly BusinessDate(JsonElement headers) => Date(headers, "effectiveDate");

    /// <summary>
    /// From which account to which, by business date; what an application holds is kept for it as well.
    /// </summary>
    private void Dated(Entry e, JsonElement d, JsonElement headers, Fund fund, long amount)
    {
        string Text(string name) => d.GetProperty(name).GetString()!;
        string Pocket() => $"available:{Text("subAccount")}";
        var (from, to) = e.Type switch
        {
            "funds_allocated" => ($"source:{Text("source")}", Pocket()),
            "transfer_received" => ($"transfer:{Text("fromFundId")}", Pocket()),
            "funds_transferred" => (Pocket(), $"transfer:{Text("toFundId")}"),
            "funds_reserved" => (Pocket(), "reserved"),
            "reservation_released" => ("reserved", Pocket()),
            "funds_paid" => ("reserved", "in-transit"),
            "funds_returned" => ("in-transit", "reserved"),
            "funds_credited" => ("in-transit", "credited"),
            "funds_refunded" => (d.GetProperty("wasCredited").GetBoolean() ? "credited" : "in-transit", Pocket()),
            "earmark_lifted" => (Pocket(), "available:general"),
            "bank_fee_charged" => ("bank-fees", "owed"), // beside the ring-fence: nothing in it moves (L17)
            "bank_fee_reimbursed" => ("owed", "bank-fees"),
            _ => (Pocket(), "returned"), // allocation_reversed, surplus_returned
        };
        var on = BusinessDate(headers);
        if (on.Year <= fund.ClosedThrough)
            throw Fails(e, $"业务日期 {on:yyyy-MM-dd}，而 {fund.ClosedThrough} 年度已结账");
        Of(fund.Accounts, from).Move(on, -amount, e.Index);
        Of(fund.Accounts, to).Move(on, amount, e.Index);
        if (from is "reserved" or "in-transit" or "credited")
            Of(Of(Text("applicationId")).Accounts, from).Move(on, -amount, e.Index);
        if (to is "reserved" or "in-transit" or "credited")
            Of(Of(Text("applicationId")).Accounts, to).Move(on, amount, e.Index);
    }

    private static bool MayBeNegative(string account) =>
        !account.StartsWith("available:", StringComparison.Ordinal)
        && account is not ("reserved" or "in-transit" or "credited" or "owed");

    /// <summary>C24: what was sealed is what the events say, and nothing of it is negative that must not be.</summary>
    private void Closed(Entry e, JsonElement d, JsonElement headers)
    {
        var (fund, year) = (Of(_funds, e.Stream.Id), d.GetProperty("year").GetInt32());
        var stood = fund
            .Accounts.Select(a => (Account: a.Key, Fen: a.Value.Through(year)))
            .Where(a => a.Fen != 0)
            .OrderBy(a => a.Account, StringComparer.Ordinal)
            .ToList();
        var kept = d.GetProperty("trialBalance")
            .EnumerateArray()
            .Select(b => (b.GetProperty("account").GetString()!, b.GetProperty("amountFen").GetInt64()));
        var text = string.Concat(stood.Select(b => $"{b.Account}\t{b.Fen}\n"));
        var digest = Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(text)));
        if (!stood.SequenceEqual(kept) || digest != d.GetProperty("trialBalanceDigest").GetString())
            throw Fails(e, $"{year} 年度封存的试算平衡表与事件不符");
        var isExplained =
            d.TryGetProperty("explanation", out var explanation) && explanation.ValueKind == JsonValueKind.String;
        foreach (var (account, fen) in stood)
            if (fen < 0 && !MayBeNegative(account) && !isExplained)
                throw Fails(e, $"{year} 年度结账时 {account} 为 {fen} 分");
        fund.ClosedThrough = year;
    }

    /// <summary>C16: paid from the day after the notice's last, by business date.</summary>
    private void Notice(Entry e, JsonElement d, JsonElement headers)
    {
        var application = Of(e.Stream.Id);
        if (e.Type == "notice_published")
        {
            application.NoticeUntil = Date(d, "until");
            var days = AskedIn(headers.GetProperty("region").GetString()!, application.Year).NoticeDays;
            if (application.NoticeUntil < Date(d, "from").AddDays(days))
                throw Fails(e, $"公示至 {application.NoticeUntil:yyyy-MM-dd}，政策年度要求 {days} 天");
        }
        else if (application.NoticeUntil is not { } until)
            throw Fails(e, "没有公示就付款了");
        else if (BusinessDate(headers) <= until)
            throw Fails(e, $"付款的业务日期 {BusinessDate(headers):yyyy-MM-dd}，公示至 {until:yyyy-MM-dd}");
    }

    /// <summary>
    /// The one event that a log is mostly made of: read token by token. The line's fen lie in what was reserved for its
    /// application, in that fund and sub-account, and the year's sum stays within the cap.
    /// </summary>
    private void Approved(Entry e)
    {
        var reader = new Utf8JsonReader(e.Data.Span);
        ReadOnlySpan<byte> fund = default,
            subAccount = default;
        Application? application = null;
        string? collective = null;
        var onGovernmentPaid = false;
        long amount = -1,
            from = -1,
            to = -1;
        try
        {
            reader.Read();
            while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
            {
                var name = reader.ValueSpan;
                reader.Read();
                if (name.SequenceEqual("amountFen"u8))
                    amount = reader.GetInt64();
                else if (name.SequenceEqual("fundId"u8))
                    fund = reader.ValueSpan;
                else if (name.SequenceEqual("subAccount"u8))
                    subAccount = reader.ValueSpan;
                else if (name.SequenceEqual("collectiveId"u8))
                    collective = TypeOf(ref reader);
                else if (name.SequenceEqual("onGovernmentPaid"u8))
                    onGovernmentPaid = reader.GetBoolean();
                else if (name.SequenceEqual("applicationId"u8))
                    application =
                        _last is { } last && last.Utf8.AsSpan().SequenceEqual(reader.ValueSpan)
                            ? last
                            : Of(reader.GetString()!);
                else if (name.SequenceEqual("fen"u8))
                    (from, to) = Interval(ref reader);
                else
                    reader.Skip();
            }
        }
        catch (Exception wrong) when (wrong is JsonException or InvalidOperationException or FormatException)
        {
            throw Fails(e, $"内容无法理解：{wrong.Message}");
        }
        if (
            application is null
            || collective is null
            || amount <= 0
            || to - from != amount
            || from < application.From
            || to > application.To
            || !application.Fund.AsSpan().SequenceEqual(fund)
            || !application.SubAccount.AsSpan().SequenceEqual(subAccount)
        )
            throw Fails(
                e,
                $"[{from}, {to}) 不在为 {application?.Id} 占用的 [{application?.From}, {application?.To}) 之内"
            );
        Counted(e, application, collective, amount);
        Opened(e, onGovernmentPaid);
        OwnRecord(e, application, onGovernmentPaid);
        Alike(e, application, amount, from, to);
    }

    private static (long From, long To) Interval(ref Utf8JsonReader reader)
    {
        var (from, to) = (-1L, -1L);
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            var isFrom = reader.ValueTextEquals("from"u8);
            reader.Read();
            if (isFrom)
                from = reader.GetInt64();
            else
                to = reader.GetInt64();
        }
        return (from, to);
    }

    private void Alike(Entry e, Application application, long amount, long from, long to)
    {
        if (_conduct.Line(application.Id, MemberOf(e.Stream.Id), amount, from, to) is { } unlike)
            throw Fails(e, unlike);
    }

    /// <summary>
    /// C15: who recorded or adjusted the contribution that a line rests on neither reviews nor approves it, from this
    /// day on.
    /// </summary>
    private void OwnRecord(Entry e, Application application, bool onGovernmentPaid)
    {
        var opening = e.Stream.Paid.Find(p => p.Kind == (onGovernmentPaid ? "government-paid" : "regular")).Reference;
        var by = e.Stream.Recorders.Where(r => r.Reference == opening).SelectMany(r => r.By).ToArray();
        if (by.Length == 0 || string.CompareOrdinal(HeaderOf(e, "effectiveDate"), "2026-12-01") < 0)
            return;
        var reviewers = application.LineReviewers.GetValueOrDefault(MemberOf(e.Stream.Id), application.RestReviewers);
        if (AnyIsOne(reviewers, by))
            Tell(Fails(e, $"{reviewers[0]} 复核了自己导入的缴费所涉的补助"));
        if (AnyIsOne(application.Approvers.Append(HeaderOf(e, "actor")), by))
            Tell(Fails(e, $"{HeaderOf(e, "actor")} 审批了自己导入的缴费所涉的补助"));
    }

    /// <summary>member-year-[person]-[year]</summary>
    private static string MemberOf(string year) => $"member-{year["member-year-".Length..^5]}";

    private void Counted(Entry e, Application application, string collective, long amount)
    {
        _last = application;
        application.Lines += amount;
        _years++;
        Eligible(e, collective, "审批");
        foreach (var given in e.Stream.Counting)
            if (given.Collective is { } other && given.By != application.Id && OriginOf(other) == OriginOf(collective))
                throw Fails(
                    e,
                    $"本年度已由 {given.By} 获{(other == collective ? "本集体" : $"同源集体 {other} ")}补助"
                );
        e.Stream.Counting.Add(new(application.Id, amount, collective));
        Capped(e);
    }

    /// <summary>
    /// C4: who belongs where and lives; which collectives are of one origin, by mergers and splits both ways.
    /// </summary>
    private void Belonging(Entry e, JsonElement d, JsonElement headers)
    {
        string Text(string name) => d.GetProperty(name).GetString()!;
        BySecondPerson(e, d, headers);
        switch (e.Type)
        {
            case "member_change_requested" or "member_corrected":
                break;
            case "member_registered" or "departure_revoked":
                e.Stream.Memberships.Add(Text("collectiveId"));
                break;
            case "membership_ended":
                e.Stream.Memberships.Remove(Text("collectiveId"));
                break;
            case "membership_moved":
                e.Stream.Memberships.Remove(Text("fromCollectiveId"));
                e.Stream.Memberships.Add(Text("toCollectiveId"));
                break;
            case "death_recorded" or "death_revoked":
                e.Stream.IsDead = e.Type == "death_recorded";
                break;
            case "collective_surveyed":
                _surveyed[$"{e.Stream.Id} {d.GetProperty("year").GetInt32()}"] = d.GetProperty("survey")
                    .GetProperty("members")
                    .GetInt32();
                break;
            default: // collective_merged, members_separated
                if (e.Type == "members_separated")
                    Split(e, d, headers);
                var (one, other) = (OriginOf(e.Stream.Id), OriginOf(Text("intoCollectiveId")));
                if (one != other)
                    _origins[one] = other;
                break;
        }
    }

    /// <summary>
    /// C24: what goes with those who leave is their share, no more and not less than half, and somebody stays; of as
    /// many as the last survey counted, and of what the fund has.
    /// </summary>
    private void Split(Entry e, JsonElement d, JsonElement headers)
    {
        if (!d.TryGetProperty("counted", out var counted) || counted.ValueKind != JsonValueKind.Number)
        {
            if (BusinessDate(headers) >= new DateOnly(2026, 12, 1))
                throw Fails(e, "分立没有写明成员总数");
            return;
        }
        var (all, going) = (counted.GetInt32(), d.GetProperty("members").GetInt32());
        var (amount, available) = (d.GetProperty("amountFen").GetInt64(), d.GetProperty("availableFen").GetInt64());
        var last = _surveyed
            .Where(s => s.Key.StartsWith($"{e.Stream.Id} ", StringComparison.Ordinal))
            .OrderBy(s => s.Key, StringComparer.Ordinal)
            .Select(s => (int?)s.Value)
            .LastOrDefault();
        if (all != last)
            throw Fails(e, $"分立按 {all} 名成员，而摸底为 {last} 名");
        var share = (long)((Int128)available * going / all);
        if (going >= all || amount > share || amount < (share + 1) / 2)
            throw Fails(e, $"{all} 名成员中转出 {going} 人，随之转出 {amount} 分，份额为 {share} 分");
        // The transfer stands beside it, before or after.
        var pocket = Of(_pockets, $"fund-{e.Stream.Id["collective-".Length..]}/general");
        if (pocket.In - pocket.Out != available && pocket.In - pocket.Out != available - amount)
            throw Fails(e, $"分立时可用 {pocket.In - pocket.Out} 分，事项写的是 {available} 分");
    }

    /// <summary>C20: another name, a death and a departure that were mistakes: one asks, another does it.</summary>
    private void BySecondPerson(Entry e, JsonElement d, JsonElement headers)
    {
        if (
            !d.TryGetProperty("changeId", out var change)
            || change.GetString() is not { } id
            || e.Type is not ("member_change_requested" or "member_corrected" or "death_revoked" or "departure_revoked")
        )
            return;
        if (e.Type == "member_change_requested")
            _asked[(e.Stream.Id, id)] = Doers(d, "requestedBy");
        else if (
            !_asked.TryGetValue((e.Stream.Id, id), out var askers)
            || AnyIsOne(askers, Doers(d, e.Type == "member_corrected" ? "correctedBy" : "revokedBy", headers))
        )
            throw Fails(e, "由申请人自己确认，或没有申请过");
    }

    /// <summary>One name for all collectives of one origin, by what has happened so far.</summary>
    private string OriginOf(string collective)
    {
        while (_origins.TryGetValue(collective, out var further))
            collective = further;
        return collective;
    }

    /// <summary>C4, C5, C6: at approval, and again at payment.</summary>
    private void Eligible(Entry e, string collective, string step)
    {
        var person = _streams.GetValueOrDefault(MemberOf(e.Stream.Id));
        if (person is { IsDead: true })
            throw Fails(e, $"{step}时已登记死亡");
        if (person is null || !person.Memberships.Exists(m => OriginOf(m) == OriginOf(collective)))
            throw Fails(e, $"{step}时不是 {collective} 的成员");
        if (e.Stream.Paid.Exists(p => p.Kind == "catch-up"))
            throw Fails(e, $"{step}时有本年度一次性补缴");
        if (
            !e.Stream.Paid.Exists(p => p.Kind == "regular")
            && !(e.Stream.Paid.Exists(p => p.Kind == "government-paid") && GovernmentPaidOpens(e))
        )
            throw Fails(e, $"{step}时没有本年度个人缴费记录");
        if (e.Stream.Paid.TrueForAll(p => string.CompareOrdinal(p.On, HeaderOf(e, "effectiveDate")) > 0))
            throw Fails(e, $"{step}时本年度的缴费还没有发生（{e.Stream.Paid[0].On}）");
    }

    /// <summary>Without reading the rest: there is one of it for each person's line.</summary>
    private static string HeaderOf(Entry e, string name)
    {
        var reader = new Utf8JsonReader(e.Headers.Span);
        while (reader.Read())
            if (reader.TokenType == JsonTokenType.PropertyName && reader.ValueTextEquals(name))
            {
                reader.Read();
                return reader.GetString() ?? "";
            }
        return "";
    }

    /// <summary>
    /// Of a year that can be, of a tier that there is, and of no other person's receipt, unless that was meant.
    /// </summary>
    private void Contributed(Entry e, JsonElement d, JsonElement headers)
    {
        var on = d.TryGetProperty("paidOn", out var paid) && paid.GetString() is { } date ? date : "";
        var year = e.Stream.Id[^4..];
        if (on.Length > 0 && Date(d, "paidOn").Year < int.Parse(year, CultureInfo.InvariantCulture) - 1)
            throw Fails(e, $"{year} 年度的缴费记在 {on}");
        var reference = d.GetProperty("reference").GetString()!;
        if (!headers.TryGetProperty("notDuplicate", out _) && !_receipts.Add(Canonical(reference)))
            throw Fails(e, $"缴费凭证号 {reference} 已用于另一笔缴费");
        var amount = d.GetProperty("amountFen").GetInt64();
        var kind = d.GetProperty("kind").GetString();
        if (
            kind == "regular"
            && d.GetProperty("tierFen").GetInt64()
                < AskedIn(headers.GetProperty("region").GetString()!, year).LowestTierFen
        )
            throw Fails(e, $"缴费档次 {d.GetProperty("tierFen").GetInt64()} 分，低于最低档次");
        if (amount > 0)
            e.Stream.Paid.Add(new(reference, kind, amount, on));
    }

    private static string Canonical(string reference) => reference.Trim().ToUpperInvariant();

    /// <summary>
    /// C17: a fund's bank says which transfer it was. Where it was asked about and meant, the event says so.
    /// </summary>
    private void Transferred(Entry e, JsonElement d, JsonElement headers, Application application)
    {
        if (
            headers.TryGetProperty("notDuplicate", out _)
            || d.GetProperty("bankReference").GetString()?.Trim().ToUpperInvariant() is not { Length: > 0 } reference
        )
            return;
        if (!_transfers.TryAdd((e.Stream.Id, reference), application.Id))
        {
            var first = _transfers[(e.Stream.Id, reference)];
            if (first != application.Id)
                throw Fails(e, $"银行流水号已用于 {first}");
        }
    }

    /// <summary>L14: the policy year's switch, as it stands at this entry.</summary>
    private bool GovernmentPaidOpens(Entry e)
    {
        using var headers = JsonDocument.Parse(e.Headers);
        return AskedIn(headers.RootElement.GetProperty("region").GetString()!, e.Stream.Id[^4..]).GovernmentPaidOpens;
    }

    /// <summary>L14: the entry says whose payment opened the subsidy, and the claw-back list goes by that.</summary>
    private static void Opened(Entry e, bool onGovernmentPaid)
    {
        if (e.Stream.Paid.Exists(p => p.Kind == "regular") == onGovernmentPaid)
            throw Fails(e, onGovernmentPaid ? "记为凭政府代缴，本人却有缴费" : "记为凭本人缴费，却只有政府代缴");
    }

    /// <summary>L15: of a record that stands, and never more back than was paid.</summary>
    private static void Adjusted(Entry e, JsonElement d)
    {
        var at = e.Stream.Paid.FindIndex(p => p.Reference == d.GetProperty("of").GetString());
        if (at < 0)
            throw Fails(e, "调整或退还的缴费不存在，或已全部退费");
        var (paid, amount) = (e.Stream.Paid[at], d.GetProperty("amountFen").GetInt64());
        var left = e.Type == "contribution_refunded" ? paid.AmountFen - amount : amount;
        if (left < 0 || amount <= 0)
            throw Fails(e, $"缴费 {paid.AmountFen} 分，退还 {amount} 分");
        if (left == 0)
            e.Stream.Paid.RemoveAt(at);
        else
            e.Stream.Paid[at] = paid with { AmountFen = left };
    }

    private void Member(Entry e, JsonElement d, JsonElement headers)
    {
        switch (e.Type)
        {
            case "contribution_recorded":
                Contributed(e, d, headers);
                e.Stream.Recorders.Add((d.GetProperty("reference").GetString()!, Doers(headers, "actor")));
                break;
            case "contribution_adjusted" or "contribution_refunded":
                Adjusted(e, d);
                if (e.Type == "contribution_adjusted")
                    e.Stream.Recorders.Add((d.GetProperty("of").GetString()!, Doers(headers, "actor")));
                break;
            case "subsidy_paid":
                var application = d.GetProperty("applicationId").GetString();
                if (e.Stream.Counting.Find(g => g.By == application).Collective is not { } collective)
                    throw Fails(e, $"{application} 没有审批过此人");
                AsApproved(e, d);
                Eligible(e, collective, "付款");
                Opened(e, d.TryGetProperty("onGovernmentPaid", out var on) && on.GetBoolean());
                break;
            case "subsidy_credited":
                AsApproved(e, d);
                break;
            case "subsidy_cleared":
                e.Stream.Cleared.Add(d.GetProperty("applicationId").GetString()!);
                break;
            case "subsidy_refunded" when e.Stream.Cleared.Contains(d.GetProperty("applicationId").GetString()!):
                throw Fails(e, "已清退给本人的补助退回了集体");
            case "subsidy_released" or "subsidy_refunded":
                e.Stream.Counting.RemoveAll(c => c.By == d.GetProperty("applicationId").GetString());
                break;
            case "sponsorship_recorded":
                e.Stream.Counting.Add(
                    new(d.GetProperty("sponsorshipId").GetString()!, d.GetProperty("amountFen").GetInt64(), null)
                );
                Capped(e);
                break;
            case "sponsorship_reversed":
                e.Stream.Counting.RemoveAll(c => c.By == d.GetProperty("sponsorshipId").GetString());
                break;
            case "contribution_reversal_requested":
                _asked[(e.Stream.Id, d.GetProperty("reference").GetString()!)] = Doers(d, "requestedBy");
                break;
            default: // contribution_reversed
                if (
                    !_asked.TryGetValue((e.Stream.Id, d.GetProperty("reference").GetString()!), out var askers)
                    || AnyIsOne(askers, Doers(d, "confirmedBy", headers))
                )
                    throw Fails(e, "更正由提出者自己确认，或没有提出过");
                e.Stream.Paid.RemoveAll(p => p.Reference == d.GetProperty("reference").GetString());
                _receipts.Remove(Canonical(d.GetProperty("reference").GetString()!)); // it was another's
                break;
        }
    }

    /// <summary>C10: what is paid and credited to somebody is what was approved for him.</summary>
    private static void AsApproved(Entry e, JsonElement d)
    {
        var (by, amount) = (d.GetProperty("applicationId").GetString(), d.GetProperty("amountFen").GetInt64());
        if (e.Stream.Counting.Exists(g => g.By == by && g.AmountFen != amount))
            throw Fails(e, $"{amount} 分，而审批的是 {e.Stream.Counting.Find(g => g.By == by).AmountFen} 分");
    }

    /// <summary>L1: what was credited is the person's and the heirs'; a death does not bring it back.</summary>
    private static void Final(Entry e, JsonElement d, JsonElement headers)
    {
        if (
            d.GetProperty("reason").GetString() == "death"
            && d.GetProperty("wasCredited").GetBoolean()
            && BusinessDate(headers) >= new DateOnly(2026, 12, 1)
        )
            throw Fails(e, "已入账的补助因死亡退回了集体");
    }

    /// <summary>C11: over all collectives and donors; the county's policy year, else the city's.</summary>
    private void Capped(Entry e)
    {
        var sum = 0L;
        foreach (var given in e.Stream.Counting)
            sum += given.AmountFen;
        var cap = Cap(e);
        if (sum > cap)
            throw Fails(e, $"各项补助共 {sum} 分，超过最高档次 {cap} 分");
    }

    private long Cap(Entry e)
    {
        var reader = new Utf8JsonReader(e.Headers.Span);
        while (reader.Read())
        {
            if (reader.TokenType != JsonTokenType.PropertyName || !reader.ValueTextEquals("region"u8))
                continue;
            reader.Read();
            if (
                !Utf8Parser.TryParse(reader.ValueSpan[..Math.Min(6, reader.ValueSpan.Length)], out int county, out _)
                || !int.TryParse(e.Stream.Id.AsSpan(^4..), out var year)
            )
                break;
            if (_capOf.TryGetValue((county, year), out var cap))
                return cap;
            if (
                _caps.TryGetValue($"policy-year-{county}-{year}", out cap)
                || _caps.TryGetValue($"policy-year-{county / (county > 9999 ? 100 : 1)}-{year}", out cap)
            )
                return _capOf[(county, year)] = cap;
            throw Fails(e, $"没有 {county} {year} 年度的政策参数");
        }
        throw Fails(e, "没有区划或年度");
    }

    /// <summary>
    /// C15: by person. Who acts under a delegation has done it as both, and a person is one under whatever account.
    /// </summary>
    private void Duties(Entry e, JsonElement d, JsonElement headers)
    {
        var application = Of(e.Stream.Id);
        var role = headers.GetProperty("role").GetString();
        if (RoleOf(e.Type) is { } wanted && wanted != role)
            throw Fails(e, $"由 {role} 办理，应由 {wanted} 办理");
        if (e.Type == "receipt_confirmed")
        {
            if (AnyIsOne(application.Payers, Doers(headers, "actor")))
                throw Fails(e, "付款人自己确认了入账");
            return;
        }
        var name = e.Type switch
        {
            "application_reviewed" => "reviewedBy",
            "application_approved" => "approvedBy",
            "payment_sent" => "paidBy",
            "objection_resolved" => "resolvedBy",
            _ => "filedBy",
        };
        var doers = Doers(d, name, headers);
        if (doers[0] != headers.GetProperty("actor").GetString())
            throw Fails(e, $"{doers[0]} 与经办人 {headers.GetProperty("actor").GetString()} 不符");
        switch (e.Type)
        {
            case "application_reviewed":
                if (application.Filers.Count == 0)
                    throw Fails(e, "没有提交就复核了");
                if (AnyIsOne(application.Filers, doers))
                    throw Fails(e, $"{doers[0]} 复核了自己提交的申请");
                Reviewed(application, d, doers);
                break;
            case "application_approved":
                if (AnyIsOne(application.Filers, doers) || AnyIsOne(application.Reviewers, doers))
                    throw Fails(e, $"{doers[0]} 审批了自己提交或复核的申请");
                if (application.Reviewers.Count == 0)
                    throw Fails(e, "没有复核就审批了");
                application.Approvers.UnionWith(doers);
                _approvals++;
                break;
            case "payment_sent":
                if (application.Approvers.Count == 0)
                    throw Fails(e, "没有审批就付款了");
                // An event in the form from before says nothing of delegation, and a build from before knew no such
                // rule.
                if (
                    d.TryGetProperty("onBehalfOf", out _)
                    && (AnyIsOne(application.Approvers, doers) || AnyIsOne(application.Reviewers, doers))
                )
                    throw Fails(e, $"{doers[0]} 付了自己复核或审批的款");
                application.Payers.UnionWith(doers);
                break;
            case "objection_resolved":
                Answered(e, headers, application, doers);
                break;
            default:
                if (d.TryGetProperty("year", out var year))
                    (application.Year, application.Plan) = ($"{year.GetInt32()}", d.GetProperty("planId").GetString()!);
                Filed(e, application, d.GetProperty("planVersion").GetInt32(), headers);
                application.Filers.UnionWith(doers);
                application.Reviewers.Clear(); // a roster that comes in anew is reviewed anew
                application.LineReviewers.Clear();
                application.RestReviewers = [];
                break;
        }
    }

    private static void Reviewed(Application application, JsonElement d, string[] doers)
    {
        application.Reviewers.UnionWith(doers);
        foreach (var verdict in d.GetProperty("verdicts").EnumerateArray())
            if (verdict.GetProperty("accepted").GetBoolean())
                application.LineReviewers[verdict.GetProperty("memberId").GetString()!] = doers;
        if (d.GetProperty("restAccepted").GetBoolean())
            application.RestReviewers = doers;
    }

    /// <summary>C16, L18: who handled it answers neither a complaint nor, from this day on, an objection.</summary>
    private void Answered(Entry e, JsonElement headers, Application application, string[] doers)
    {
        var handlers = application
            .Filers.Concat(application.Reviewers)
            .Concat(application.Approvers)
            .Concat(application.Committee);
        if (BusinessDate(headers) >= new DateOnly(2026, 12, 1) && AnyIsOne(handlers, doers))
            throw Fails(e, $"{doers[0]} 答复了对自己经办的申请的异议");
    }

    /// <summary>C20: each office its duty. Null: several may.</summary>
    private static string? RoleOf(string type) =>
        type switch
        {
            "application_filed" or "application_resubmitted" or "payment_sent" => "village-finance",
            "application_reviewed" or "application_approved" or "receipt_confirmed" => "agency",
            "payment_signed" or "payment_held" => "supervision-committee",
            "payment_hold_lifted" => "township",
            _ => null,
        };

    private void Policy(Entry e, JsonElement d, JsonElement headers)
    {
        var parameters = d.GetProperty("parameters");
        var tiers = parameters.GetProperty("tiers").EnumerateArray();
        _caps[e.Stream.Id] = parameters
            .GetProperty("tiers")
            .EnumerateArray()
            .Max(t =>
                // A range's highest (L9), or the tier itself.
                t.TryGetProperty("toFen", out var to)
                && to.ValueKind == JsonValueKind.Number
                    ? to.GetInt64()
                    : t.GetProperty("tierFen").GetInt64()
            );
        bool Asks(string what) => parameters.TryGetProperty(what, out var a) && a.ValueKind == JsonValueKind.True;
        _asks[e.Stream.Id] = new Asked(
            Asks("countersignatureRequired"),
            Asks("committeeSignsPlan"),
            Asks("committeeSignsPayments"),
            Asks("governmentPaidOpensSubsidy"),
            parameters.TryGetProperty("resolutionNoticeDays", out var days) ? days.GetInt32() : 0,
            // Kept after the entry is gone.
            parameters.GetProperty("quorums").Clone(),
            parameters.GetProperty("noticeDays").GetInt32(),
            tiers.Min(t => t.GetProperty("tierFen").GetInt64())
        );
    }

    private void Changed(Entry e, JsonElement d, JsonElement headers)
    {
        if (Changes.Take(e.Type, e.Stream.Id, d, headers, _at) is { } wrong)
            throw Fails(e, wrong);
    }

    private PolicyChanges Changes => _changes ??= new PolicyChanges(AnyIsOne, margin);

    /// <summary>The switches of a policy year; off where an event from before has none.</summary>
    private readonly record struct Asked(
        bool Countersigned,
        bool PlanSigned,
        bool PaymentSigned,
        bool GovernmentPaidOpens,
        int ResolutionNoticeDays,
        JsonElement Bodies,
        int NoticeDays,
        long LowestTierFen
    );

    /// <summary>The county's own year, else the city's; what none asks for is not asked.</summary>
    private Asked AskedIn(string region, string year) =>
        _asks.TryGetValue($"policy-year-{region[..Math.Min(6, region.Length)]}-{year}", out var own)
            ? own
            : _asks.GetValueOrDefault($"policy-year-{region[..Math.Min(4, region.Length)]}-{year}");

    /// <summary>
    /// L7, C21: who has to, has signed the version that is adopted, and the resolution on it; nobody who had another
    /// hand in the plan signs it for the committee.
    /// </summary>
    private void Plan(Entry e, JsonElement d, JsonElement headers)
    {
        var (plan, actor) = (Of(_plans, e.Stream.Id), Doers(headers, "actor"));
        var version = e.Type == "plan_drafted" ? 1 : d.GetProperty("planVersion").GetInt32();
        if (e.Type == "plan_drafted")
            Changes.Drafted(e.Stream.Id, d, _at);
        if (e.Type == "plan_signed")
        {
            if (d.GetProperty("signedBy").GetString() != actor[0])
                throw Fails(e, $"{d.GetProperty("signedBy").GetString()} 与经办人 {actor[0]} 不符");
            if (AnyIsOne(plan.Hands, actor))
                throw Fails(e, $"{actor[0]} 为自己办理的方案签字");
            plan.Signed = version;
            plan.Signers.UnionWith(actor);
            return;
        }
        plan.Hands.UnionWith(actor);
        switch (e.Type)
        {
            case "resolution_recorded":
                (plan.Signed, plan.Resolved, plan.Resolution) = (0, version, d.GetProperty("resolution").Clone());
                break;
            case "resolution_published":
                plan.Published[version] = Date(d, "from");
                break;
            case "plan_countersigned" when AnyIsOne(plan.Signers, actor):
                throw Fails(e, $"{actor[0]} 会签了自己签字的方案");
            case "plan_countersigned":
                plan.Countersigned = version;
                break;
            case "plan_adopted":
                if (AnyIsOne(plan.Signers, actor))
                    throw Fails(e, $"{actor[0]} 通过了自己签字的方案");
                Adopted(e, plan, version, AskedIn(headers.GetProperty("region").GetString()!, e.Stream.Id[^4..]));
                break;
        }
    }

    private static void Adopted(Entry e, Adoption plan, int version, Asked asked)
    {
        if (plan.Resolution is not { } resolution || plan.Resolved != version)
            throw Fails(e, "没有会议决议就通过了方案");
        var form = resolution.GetProperty("form").GetString();
        if (
            asked.Bodies.ValueKind != JsonValueKind.Array
            || !asked.Bodies.EnumerateArray().Any(b => b.GetProperty("form").GetString() == form)
        )
            throw Fails(e, $"{form} 不能作此决定，方案却通过了");
        Decided(e, asked.Bodies.EnumerateArray().First(b => b.GetProperty("form").GetString() == form), resolution);
        if (asked.PlanSigned && plan.Signed != version)
            throw Fails(e, "没有村监委会签字就通过了方案");
        if (asked.Countersigned && plan.Countersigned != version)
            throw Fails(e, "没有乡镇会签就通过了方案");
    }

    /// <summary>
    /// C13, L4: enough were there and agreed, where nothing else is said most of those present; L5: called in time, on
    /// the villagers' authorisation, with enough of the women, where the policy year asks for that.
    /// </summary>
    private static void Decided(Entry e, JsonElement body, JsonElement resolution)
    {
        static JsonElement? In(JsonElement of, string name) =>
            of.TryGetProperty(name, out var there) && there.ValueKind != JsonValueKind.Null ? there : null;
        static int Number(JsonElement of, string name) => In(of, name)?.GetInt32() ?? 0;
        static bool Is(JsonElement of, string name) => In(of, name)?.GetBoolean() == true;
        static bool Reaches(long part, long whole, int numerator, int denominator, bool strictly) =>
            strictly ? part * denominator > whole * numerator : part * denominator >= whole * numerator;
        static bool Meets(int part, int whole, JsonElement rule) =>
            Reaches(part, whole, Number(rule, "numerator"), Number(rule, "denominator"), Is(rule, "strictly"));

        var (eligible, present, votes) = (
            Number(resolution, "eligible"),
            Number(resolution, "attendance"),
            Number(resolution, "votesFor")
        );
        if (!Meets(present, eligible, body))
            throw Fails(e, $"应到 {eligible} 人，到会 {present} 人，不足法定人数就通过了方案");
        var carried = In(body, "vote") is { } vote
            ? Meets(votes, Is(vote, "ofAll") ? eligible : present, vote)
            : Reaches(votes, present, 1, 2, strictly: true);
        if (!carried)
            throw Fails(e, $"到会 {present} 人，赞成 {votes} 票，没有表决通过就通过了方案");
        if (In(body, "calling") is not { } calling)
            return;
        var meeting = Date(resolution, "meetingDate").DayNumber;
        if (
            Number(calling, "daysBefore") is > 0 and var days
            && (In(resolution, "calledOn") is null || Date(resolution, "calledOn").DayNumber + days > meeting)
        )
            throw Fails(e, $"会议没有提前 {days} 天公告就通过了方案");
        if (Is(calling, "authorisationRequired") && In(resolution, "authorisation") is null)
            throw Fails(e, "会议没有授权就通过了方案");
        var (women, came) = (Number(resolution, "women"), Number(resolution, "womenPresent"));
        var (over, under) = (Number(calling, "womenNumerator"), Number(calling, "womenDenominator"));
        if (over > 0 && (women == 0 || !Reaches(came, women, over, under, strictly: false)))
            throw Fails(e, "到会的妇女代表不足就通过了方案");
    }

    /// <summary>
    /// L6: where the policy year asks for it the resolution hung for its days; the first does not count.
    /// </summary>
    private void Filed(Entry e, Application application, int version, JsonElement headers)
    {
        var days = AskedIn(headers.GetProperty("region").GetString()!, application.Year).ResolutionNoticeDays;
        if (
            days > 0
            && !(
                Of(_plans, application.Plan).Published.TryGetValue(version, out var from)
                && BusinessDate(headers).DayNumber > from.DayNumber + days
            )
        )
            throw Fails(e, $"决议没有公布满 {days} 天就申请了");
    }

    /// <summary>
    /// L18: the township answers, and the county what has come there; by person nobody who complained, answered it
    /// before or handled the application.
    /// </summary>
    private void Complained(Entry e, JsonElement d, JsonElement headers)
    {
        var application = Of(e.Stream.Id);
        var complaint = Of(application.Complaints, d.GetProperty("complaintId").GetString()!);
        var (actor, role) = (headers.GetProperty("actor").GetString()!, headers.GetProperty("role").GetString()!);
        switch (e.Type)
        {
            case "complaint_raised":
                if (role != "public") // that is anybody
                    complaint.Handlers.UnionWith(Doers(headers, "actor"));
                return;
            case "complaint_escalated":
                complaint.IsAtCounty = true;
                return;
        }
        var doers = Doers(d, "answeredBy");
        if (doers[0] != actor)
            throw Fails(e, $"{doers[0]} 与经办人 {actor} 不符");
        if (complaint.IsAtCounty ? role is not ("county-hrss" or "county-agriculture") : role != "township")
            throw Fails(e, $"{doers[0]}（{role}）不是答复投诉的人");
        if (AnyIsOne(complaint.Handlers, doers))
            throw Fails(e, $"{doers[0]} 答复了自己提出或答复过的投诉");
        if (AnyIsOne(application.Filers.Concat(application.Reviewers).Concat(application.Approvers), doers))
            throw Fails(e, $"{doers[0]} 答复了对自己经办的申请的投诉");
        complaint.Handlers.UnionWith(doers);
    }

    /// <summary>L7: the supervision committee signs and holds, the township lifts; both by person.</summary>
    private void Watch(Entry e, JsonElement d, JsonElement headers)
    {
        var application = Of(e.Stream.Id);
        if (e.Type == "payment_returned")
        {
            application.IsSigned = false; // what the bank sent back is signed anew
            return;
        }
        var doers = Doers(
            d,
            e.Type switch
            {
                "payment_signed" => "signedBy",
                "payment_held" => "heldBy",
                "payment_hold_lifted" => "liftedBy",
                _ => "paidBy",
            }
        );
        if (doers[0] != headers.GetProperty("actor").GetString())
            throw Fails(e, $"{doers[0]} 与经办人 {headers.GetProperty("actor").GetString()} 不符");
        var handlers = application
            .Filers.Concat(application.Reviewers)
            .Concat(application.Approvers)
            .Concat(application.Payers);
        if (RoleOf(e.Type) is { } wanted && wanted != headers.GetProperty("role").GetString())
            throw Fails(e, $"由 {headers.GetProperty("role").GetString()} 办理，应由 {wanted} 办理");
        switch (e.Type)
        {
            case "payment_sent":
                if (application.IsHeld)
                    throw Fails(e, "村监委会叫停以后付了款");
                if (AnyIsOne(application.Committee, doers))
                    throw Fails(e, $"{doers[0]} 付了自己签字或叫停的款");
                if (
                    !application.IsSigned
                    && AskedIn(headers.GetProperty("region").GetString()!, application.Year).PaymentSigned
                )
                    throw Fails(e, "没有村监委会签字就付款了");
                return;
            case "payment_hold_lifted":
                if (AnyIsOne(handlers.Concat(application.Committee), doers))
                    throw Fails(e, $"{doers[0]} 解除了自己叫停或办理的付款");
                application.IsHeld = false;
                return;
            case "payment_signed" when AnyIsOne(handlers, doers):
                throw Fails(e, $"{doers[0]} 为自己办理的申请签字");
        }
        application.IsHeld |= e.Type == "payment_held";
        application.IsSigned |= e.Type == "payment_signed";
        application.Committee.UnionWith(doers);
    }

    /// <summary>
    /// C20: whose an account is; and that rights are given by two, who are two people, or by one where there never was
    /// another. Events that do not say on what they rest are from before the rule.
    /// </summary>
    private void Rights(Entry e, JsonElement d, JsonElement headers)
    {
        var account = e.Stream.Id["account-".Length..];
        if (d.TryGetProperty("person", out var person) && person.GetString() is { } id)
            _persons[account] = id;
        if (e.Type == "account_holder_named")
            return;
        _offices.Give(account, d);
        var (actor, region) = (headers.GetProperty("actor").GetString()!, headers.GetProperty("region").GetString()!);
        switch (d.TryGetProperty("basis", out var basis) ? basis.GetString() : null)
        {
            case "one-administrator"
                when _administrators.Exists(a =>
                    region.StartsWith(a.Region, StringComparison.Ordinal) && !IsOne(a.Account, actor)
                ):
                throw Fails(e, $"{actor} 一人办理，而 {region} 已有另一位管理员");
            case "two-administrators"
                when d.GetProperty("requestedBy").GetString() is not { } asked
                    || IsOne(asked, actor)
                    || IsOne(account, actor)
                    || headers.GetProperty("role").GetString() != "administrator":
                throw Fails(e, "不是由申请人以外的另一位管理员确认");
        }
        if (d.TryGetProperty("role", out var role) && role.GetString() == "administrator")
            _administrators.Add((account, d.GetProperty("roleRegion").GetString()!));
    }

    /// <summary>Who did it, and whom he acted for.</summary>
    internal static string[] Doers(JsonElement d, string name, JsonElement headers = default)
    {
        var who = d.GetProperty(name).GetString()!;
        var other =
            d.TryGetProperty("onBehalfOf", out var f) && f.GetString() is { } said ? said
            : headers.ValueKind == JsonValueKind.Object && headers.TryGetProperty("onBehalfOf", out f) ? f.GetString()
            : null;
        return other is null ? [who] : [who, other];
    }

    private bool AnyIsOne(IEnumerable<string> some, string[] others) =>
        some.Any(one => others.Any(other => IsOne(one, other)));

    /// <summary>
    /// One person: as their accounts say, else by the name, however it is spelt, without the alias of another
    /// authority.
    /// </summary>
    private bool IsOne(string one, string other) =>
        one.Equals(other, StringComparison.OrdinalIgnoreCase)
        || (
            _persons.TryGetValue(one, out var first) && _persons.TryGetValue(other, out var second)
                ? first == second
                : one.AsSpan(one.IndexOf(':') + 1)
                    .Equals(other.AsSpan(other.IndexOf(':') + 1), StringComparison.OrdinalIgnoreCase)
        );

    /// <summary>What can be said only at the end.</summary>
    public void Finish()
    {
        _turns.Finish();
        if (_conduct.Finish() is { } wrong)
            found.Add(wrong);
        foreach (var (id, application) in _applications)
            if (application.Lines != application.To - application.From)
                found.Add(
                    $"{id} 的各人补助共 {application.Lines} 分，为它占用的是 {application.To - application.From} 分"
                );
        foreach (
            var (id, account, moves) in _applications
                .SelectMany(a => a.Value.Accounts, (a, b) => (a.Key, b.Key, b.Value))
                .Concat(
                    _funds
                        .SelectMany(f => f.Value.Accounts, (f, b) => (f.Key, b.Key, b.Value))
                        .Where(b => !MayBeNegative(b.Item2))
                )
        )
            if (moves.Negative() is var (on, fen, index))
                found.Add(index, $"第 {index} 条（{id}）：业务日期 {on:yyyy-MM-dd} 的 {account} 为 {fen} 分");
    }
}
