#!/usr/bin/env python3
"""Makes holes.dump: a small county in which the build before committed every fault of issue 22 that its API let through.

    make.py <folder with that build's Ledger.Api.dll>        README.md beside this file says which build, and how to get it.

Runs as root: a PostgreSQL cluster of its own under the account postgres, the old product on it, both under a clock that this program
moves (Faults/clock.c), so that notices run out and a year ends within a minute. Prints what each fault was answered.
"""
import base64, datetime, glob, hashlib, hmac, json, os, shutil, struct, subprocess, sys, tempfile, time, urllib.error, urllib.request, uuid

HERE = os.path.dirname(os.path.abspath(__file__))
BUILD = os.path.join(os.path.abspath(sys.argv[1]), "Ledger.Api.dll")
BIN = sorted(glob.glob("/usr/lib/postgresql/*/bin"))[-1]
WORK = tempfile.mkdtemp(prefix="golden-")
CITY, COUNTY, DATABASE = "3708", "370811", "ledger_golden"
os.chmod(WORK, 0o755)

# ---- the clock ----
clock_file, so = os.path.join(WORK, "clock"), os.path.join(WORK, "clock.so")
subprocess.run(["gcc", "-shared", "-fPIC", "-O2", "-o", so, os.path.join(HERE, "../Faults/clock.c")], check=True)
offset = 0


def go_to(day):
    """Noon of that day in China; only forward."""
    global offset
    noon = datetime.datetime.fromisoformat(day + "T12:00:00+08:00").timestamp()
    new = int(noon - time.time())
    assert offset == 0 or new > offset, day
    offset = new
    with open(clock_file, "r+b" if os.path.exists(clock_file) else "wb") as f:
        f.write(struct.pack("=q", offset))
    os.chmod(clock_file, 0o644)


def now():
    return time.time() + offset


go_to("2025-11-10")
CLOCKED = dict(os.environ, LD_PRELOAD=so, LEDGER_CLOCK=clock_file)

# ---- PostgreSQL ----
data = os.path.join(WORK, "data")
os.mkdir(data)
shutil.chown(data, "postgres")
shutil.chown(WORK, "postgres")


def as_postgres(*command, env=os.environ):
    return subprocess.run(["runuser", "-u", "postgres", "--", *command], check=True, env=env, cwd=WORK, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True).stdout


as_postgres(f"{BIN}/initdb", "-D", data, "-A", "trust", "-U", "ledger", "-E", "UTF8", "--locale=C.UTF-8")
as_postgres(f"{BIN}/pg_ctl", "-D", data, "-w", "-l", f"{data}/log", "-o", f"-c listen_addresses='' -c unix_socket_directories='{WORK}' -c fsync=off", "start", env=CLOCKED)


def sql(text, user="ledger", database=DATABASE):
    return subprocess.run([f"{BIN}/psql", "-h", WORK, "-U", user, "-d", database, "-v", "ON_ERROR_STOP=1", "-XAtc", text], check=True, stdout=subprocess.PIPE, text=True).stdout.strip()


sql(f"create database {DATABASE}", database="postgres")

# ---- the old product ----
keys_file = os.path.join(WORK, "keys", "keys.json")
settings = dict(CLOCKED, ConnectionStrings__Ledger=f"Host={WORK};Username=ledger;Database={DATABASE}", Ledger__KeyFile=keys_file, Ledger__Log__CheckpointSeconds="1",
                Ledger__RateLimit__PerUser="0", Ledger__RateLimit__PerAddress="0", ASPNETCORE_URLS="http://127.0.0.1:18422", Logging__LogLevel__Default="Warning")
product = subprocess.Popen(["dotnet", BUILD], env=settings, cwd=WORK, stdout=open(f"{WORK}/product.log", "w"), stderr=subprocess.STDOUT)
BASE = "http://127.0.0.1:18422"
for _ in range(300):
    try:
        urllib.request.urlopen(BASE + "/health/ready", timeout=5)
        break
    except Exception:
        assert product.poll() is None, open(f"{WORK}/product.log").read()
        time.sleep(0.2)
else:
    raise SystemExit("the old product is not ready")
keys = json.load(open(keys_file))


def token(actor):
    def part(x):
        return base64.urlsafe_b64encode(json.dumps(x).encode()).rstrip(b"=")
    issuer, at = "collective-subsidy-ledger", int(now())
    sub, role, region = actor
    text = part({"alg": "HS256", "typ": "JWT"}) + b"." + part({"iss": issuer, "aud": issuer, "iat": at, "nbf": at - 60, "exp": at + 36000, "sub": sub, "role": role, "region": region})
    return (text + b"." + base64.urlsafe_b64encode(hmac.new(base64.b64decode(keys["TokenKey"]), text, hashlib.sha256).digest()).rstrip(b"=")).decode()


def send(actor, method, path, body=None, files=None, key=None):
    headers = {}
    if actor:
        headers["Authorization"] = "Bearer " + token(actor)
    if method != "GET":
        headers["Idempotency-Key"] = key or str(uuid.uuid4())
    content = None
    if files is not None:
        mark = uuid.uuid4().hex
        content = b""
        for name, value in (body or {}).items():
            content += f'--{mark}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode()
        for name, (file_name, file) in files.items():
            content += f'--{mark}\r\nContent-Disposition: form-data; name="{name}"; filename="{file_name}"\r\nContent-Type: application/octet-stream\r\n\r\n'.encode() + file + b"\r\n"
        content += f"--{mark}--\r\n".encode()
        headers["Content-Type"] = f"multipart/form-data; boundary={mark}"
    elif method != "GET":
        content = json.dumps(body or {}).encode()
        headers["Content-Type"] = "application/json"
    try:
        with urllib.request.urlopen(urllib.request.Request(BASE + path, content, headers, method=method), timeout=60) as answer:
            return answer.status, json.loads(answer.read() or b"null")
    except urllib.error.HTTPError as refused:
        text = refused.read()
        try:
            return refused.code, json.loads(text)
        except ValueError:
            return refused.code, text.decode(errors="replace")


def do(actor, method, path, body=None, **more):
    status, answer = send(actor, method, path, body, **more)
    if status >= 300:
        raise SystemExit(f"{method} {path} by {actor} → {status} {answer}")
    return answer


def fault(name, actor, method, path, body=None, **more):
    status, answer = send(actor, method, path, body, **more)
    print(f"{name:<70} {status} {answer.get('code', '') if isinstance(answer, dict) and status >= 300 else ''}")
    return answer


# ---- people and papers; every number is invented ----
def citizen(born, number):
    first = f"{COUNTY}{born}{number:03}"
    check = sum(int(d) * w for d, w in zip(first, [7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2])) % 11
    return first + "10X98765432"[check]


def credit_code(number):
    alphabet = "0123456789ABCDEFGHJKLMNPQRTUWXY"
    first = f"N2{COUNTY}MF{number:07}"
    total = sum(alphabet.index(c) * pow(3, i, 31) for i, c in enumerate(first))
    return first + alphabet[(31 - total % 31) % 31]


def csv(*rows):
    return "\n".join(",".join(str(c) for c in row) for row in rows).encode() + b"\n"


def pdf(text):
    return b"%PDF-1.4\n% " + text.encode() + b"\n%%EOF\n"


def evidence(actor, text, name="scan.pdf"):
    return do(actor, "POST", "/api/evidence", files={"file": (name, pdf(text))})["digest"]


hrss, city_hrss = (f"hrss.{COUNTY}", "county-hrss", COUNTY), (f"city.{CITY}", "city-hrss", CITY)
agriculture, tax, tax2 = (f"agriculture.{COUNTY}", "county-agriculture", COUNTY), (f"tax.{COUNTY}", "county-tax", COUNTY), (f"tax2.{COUNTY}", "county-tax", COUNTY)
reviewer, approver = (f"reviewer.{COUNTY}", "agency", COUNTY), (f"approver.{COUNTY}", "agency", COUNTY)
city_auditor, administrator = (f"auditor.{CITY}", "auditor", CITY), ("admin", "administrator", COUNTY)
township = ("township.370811111", "township", "370811111")


def policy(year, more=()):
    tiers = [{"tierAmount": t, "governmentSubsidyAmount": 30} for t in (100, 300, 500, 1000, 3000, 5000, *more)]
    do(city_hrss, "PUT", f"/api/policy-years/{CITY}/{year}", {
        "effectiveFrom": f"{year}-01-01", "tiers": tiers, "accountInterestBasisPoints": 262, "noticeDays": 7,
        "quorums": [{"form": "households", "numerator": 2, "denominator": 3, "strictly": False}]})


class Village:
    def __init__(self, number, name, people, year=2026, born="1975"):
        self.number, self.name, self.year, self.code = number, name, year, f"370811111{200 + number}"
        self.officer = (f"officer.{self.code}", "village-finance", self.code)
        self.people = [(f"{name[0]}村民{'甲乙丙丁戊己庚辛壬癸'[i]}", citizen(f"{born}{1 + i:02}15", number * 20 + i)) for i in range(people)]
        self.collective = do(agriculture, "POST", "/api/collectives", {"creditCode": credit_code(number), "name": f"{name}股份经济合作社", "villageCode": self.code})["id"]
        self.fund = do(self.officer, "POST", "/api/funds", {"collectiveId": self.collective})["id"]
        self.plan = f"plan-{self.collective[11:]}-{year}"

    def money(self, amount, slip=None, **more):
        return do(self.officer, "POST", f"/api/funds/{self.fund}/allocations",
                  {"amount": amount, "source": "collective-income", "sourceName": "土地流转收入", "evidence": [slip or evidence(self.officer, f"slip {uuid.uuid4()}")], **more})

    def enrol(self, people=None):
        do(self.officer, "POST", f"/api/members/import?collectiveId={self.collective}",
           files={"file": ("成员名册.csv", csv(["姓名", "身份证号", "手机号"], *[[n, c, ""] for n, c in people or self.people]))})

    def contribute(self, people=None, tier=300, kind="正常缴费", prefix=None, references=None, on=None):
        people = people or self.people
        rows = [[n, c, tier, tier, on or f"{self.year}-01-20" if self.year == 2026 else "2025-11-05", kind,
                 references[i] if references else f"{prefix or f'SW{self.code}{self.year}'}{i:04}"] for i, (n, c) in enumerate(people)]
        do(tax, "POST", f"/api/contributions/import?year={self.year}",
           files={"file": ("缴费.csv", csv(["姓名", "身份证号", "缴费档次（元）", "个人缴费金额（元）", "缴费日期", "缴费类型", "缴费凭证号"], *rows))})

    def resolve(self, on, eligible=90, attendance=80, votes=75):
        return do(self.officer, "POST", f"/api/plans/{self.plan}/resolution", {"form": "households", "meetingDate": on, "eligible": eligible, "attendance": attendance,
                  "votesFor": votes, "votesAgainst": 0, "minutes": evidence(self.officer, f"minutes {on}")})

    def prepare(self, standard, on, survey=100):
        do(self.officer, "PUT", f"/api/collectives/{self.collective}/surveys/{self.year}", {"collectiveIncomeAmount": 860000, "members": survey, "insuredMembers": survey * 9 // 10, "payers": survey * 8 // 10})
        do(self.officer, "POST", "/api/plans", {"collectiveId": self.collective, "year": self.year, "source": "集体收入", "scope": "正常缴费的成员", "standard": standard})
        self.resolve(on)
        do(self.officer, "POST", f"/api/plans/{self.plan}/adoption")

    def file(self, people=None):
        seal = evidence(self.officer, f"seal {uuid.uuid4()}")
        self.application = do(self.officer, "POST", "/api/applications", {"planId": self.plan, "seal": seal},
                              files={"roster": ("补助名单.csv", csv(["姓名", "身份证号", "补助金额（元）"], *[[n, c, ""] for n, c in people or self.people]))})["application"]["id"]
        return self.application

    @property
    def path(self):
        return f"/api/applications/{self.application}"

    def review(self):
        do(reviewer, "POST", f"{self.path}/review", {"acceptRest": True})

    def approve(self, name=None):
        self.review()
        return fault(name, approver, "POST", f"{self.path}/approval") if name else do(approver, "POST", f"{self.path}/approval")

    def notice(self):
        do(self.officer, "POST", f"{self.path}/notice", {"place": "村务公开栏"})

    def payment(self, amount, reference, **more):
        return {"amount": amount, "purpose": "member-subsidy", "bankReference": reference, "evidence": [evidence(self.officer, f"transfer {uuid.uuid4()}")], **more}

    def pay(self, amount, reference, name=None, **more):
        body = self.payment(amount, reference, **more)
        return fault(name, self.officer, "POST", f"{self.path}/payment", body) if name else do(self.officer, "POST", f"{self.path}/payment", body)

    def receipts(self, people, amount, on):
        do(reviewer, "POST", f"{self.path}/receipts/import",
           files={"file": ("回执.csv", csv(["姓名", "身份证号", "入账金额（元）", "入账日期", "回执编号"], *[[n, c, amount, on, f"HZ{self.code}{i:04}"] for i, (n, c) in enumerate(people)]))})

    def member(self, i):
        """Found by the last four characters of the number, which differ within a village."""
        page = do(self.officer, "GET", f"/api/members?collectiveId={self.collective}&limit=100")["members"]
        return next(m["id"] for m in page if m["citizenId"][-4:] == self.people[i][1][-4:])


def flat(amount):
    return {"kind": "flat", "flatAmount": amount}


# ---- the county: November 2025 ----
for year in (2025, 2026):
    policy(year)
do(hrss, "POST", "/api/pilots", {"county": COUNTY, "grounds": "集体经济基础较好"})
do(city_hrss, "POST", f"/api/pilots/pilot-{COUNTY}/decision", {"verdict": "approve", "reasons": "符合试点条件"})

sound, backdated = Village(1, "安居村", 6), Village(2, "倒记村", 5, year=2025)
backdated.enrol()
backdated.contribute()
backdated.prepare(flat(200), "2025-11-08")
go_to("2025-12-20")
backdated.money(3000)
backdated.file()

# ---- B4: January 2026; a year closed on negative balances ----
go_to("2026-01-05")
backdated.approve()
backdated.notice()
go_to("2026-01-13")
backdated.pay(1000, "NX20260113001", "B4 payment dated before allocation, approval and notice", effectiveDate="2025-12-01")
backdated.receipts(backdated.people, 200, "2025-12-02")
fault("B4 refund dated before the receipt", reviewer, "POST", f"{backdated.path}/refunds", {"memberId": backdated.member(0), "reason": "voluntary-refusal", "bankReference": "TH20260113001",
      "evidence": [evidence(reviewer, "refund")], "effectiveDate": "2025-12-15"})
fault("B4 year closed on negative balances", backdated.officer, "POST", f"/api/funds/{backdated.fund}/years/2025/close")

# ---- the others: February and March 2026 ----
go_to("2026-02-02")
sound.enrol()
sound.contribute()
sound.money(5000)
sound.prepare(flat(100), "2026-01-28")

twice = Village(3, "重付村", 6)
twice.enrol()
twice.contribute(twice.people[:4])
twice.contribute(twice.people[4:], references=["SW370811TWICE", "SW370811OTHER"])
slip = evidence(twice.officer, "one slip")
for i in range(3):
    twice.money(1000, slip=slip)
print("B7 one slip for three allocations")
twice.prepare(flat(100), "2026-01-28")

parent, child = Village(4, "原村", 4), Village(5, "分村", 2)
for v in (parent, child):
    v.enrol()
    v.contribute()
    v.money(2000)
    v.prepare(flat(150), "2026-01-28")

changed = Village(6, "变更村", 9)
changed.enrol()
changed.contribute()
changed.money(20000)
changed.prepare({"kind": "per-tier", "tiers": [{"tierAmount": 300, "amount": 100}, {"tierAmount": 500, "amount": 250}]}, "2026-01-28")

meeting = Village(7, "一人村", 3)
meeting.people += [("一村幼儿", citizen("20240301", 191)), ("一村未生", citizen("20990101", 192)), ("一村百岁", citizen("19000101", 193))]
meeting.enrol()
print("B11 people born 2024, 2099 and 1900 registered")
meeting.contribute()
meeting.money(50000)
meeting.prepare(flat(100), "2026-01-28")

forged = Village(8, "改账村", 4)
forged.enrol()
forged.contribute()
forged.money(100)
forged.prepare(flat(3000), "2026-01-28")

# One tax reference for two persons: one of the third village, one of the first.
twice_reference = [("安居村民", citizen("19800615", 777))]
sound.enrol(twice_reference)
sound.contribute(twice_reference, references=["SW370811TWICE"])
print("B7 one tax reference for two persons")

# C16: a citizen id as reference, as key, as file name
secret = [("安居外户", citizen("19810715", 778))]
sound.enrol(secret)
sound.contribute(secret, references=[secret[0][1]])
print("C16 citizen id as contribution reference")
do(sound.officer, "POST", "/api/evidence", files={"file": (f"{secret[0][1]}.pdf", pdf("file name"))}, key=f"evidence-{uuid.uuid4()}")
print("C16 citizen id as file name")
fault("C16 citizen id as Idempotency-Key", sound.officer, "POST", f"/api/funds/{sound.fund}/allocations",
      {"amount": 10, "source": "collective-income", "sourceName": "租金", "evidence": [evidence(sound.officer, "slip")]}, key=secret[0][1])

# ---- B7: one bank reference for two payments; B4: paid before the notice ended ----
twice.file(twice.people[:3])
twice.approve()
twice.notice()
first = twice.application
twice.file(twice.people[3:])
twice.approve()
twice.notice()
second = twice.application

# ---- B5: the parent subsidises, splits, the child subsidises again ----
parent.file(parent.people)
parent.approve()
do(agriculture, "POST", f"/api/collectives/{parent.collective}/split", {"intoCollectiveId": child.collective, "memberIds": [parent.member(0), parent.member(1)], "amount": 300,
   "reason": "行政村分设", "evidence": [evidence(agriculture, "split")]})
moved = parent.people[:2]
child.file(child.people + moved)
child.approve("B5 the same subsidy twice after a split")

# ---- B6: tier and plan changed between filing and approval ----
changed.file(changed.people[:3])
reference, lost = f"SW{changed.code}20260000", changed.member(0)
do(tax, "POST", f"/api/members/{lost}/years/2026/contributions/{reference}/reversal", {"confirmBy": tax2[0], "reason": "档次有误"})
do(tax2, "POST", f"/api/members/{lost}/years/2026/contributions/{reference}/reversal/confirmation")
changed.contribute(changed.people[:1], tier=500, references=["SW370811NEWTIER"])
do(changed.officer, "POST", f"/api/plans/{changed.plan}/amendments", {"reason": "提高", "source": "集体收入", "scope": "正常缴费的成员",
   "standard": {"kind": "per-tier", "tiers": [{"tierAmount": 300, "amount": 120}, {"tierAmount": 500, "amount": 250}]}})
changed.resolve("2026-02-01")
do(changed.officer, "POST", f"/api/plans/{changed.plan}/adoption")
changed.approve("B6 approved after tier and plan were changed")
changed.notice()
stale = changed.application
changed.file(changed.people[3:])
changed.approve()
changed.notice()
gone = changed.application

# ---- B10: a meeting of one, dated 2010, raises the standard ----
do(meeting.officer, "POST", f"/api/plans/{meeting.plan}/amendments", {"reason": "提高", "source": "集体收入", "scope": "成员", "standard": flat(5000)})
meeting.resolve("2010-05-01", eligible=1, attendance=1, votes=1)
fault("B10 a meeting of one, dated 2010, adopted at 5,000", meeting.officer, "POST", f"/api/plans/{meeting.plan}/adoption")
meeting.file()
meeting.approve("B11 people born 2024, 2099 and 1900 approved")
meeting.notice()

# ---- A3: with the application's rights on the database ----
app = f"{DATABASE}_app"
forged.file(forged.people[:2])
known = sql(f"select data from ledger.mt_doc_fund where id = '{forged.fund}'", app)
richer = "data || jsonb_build_object('availableFen', 10000000, 'allocatedFen', 10000000) || jsonb_build_object('subAccounts', jsonb_set(data -> 'subAccounts', '{general,inFen}', '10000000'))"
sql(f"update ledger.mt_doc_fund set data = {richer} where id = '{forged.fund}'", app)
charity = do(hrss, "POST", "/api/donors", {"kind": "charity", "name": "慈善总会", "creditCode": credit_code(900)})["id"]
do(approver, "POST", f"/api/members/{forged.member(0)}/years/2026/sponsorships", {"donorId": charity, "amount": 4000, "evidence": [evidence(approver, "sponsorship")]})
policy_year = f"policy-year-{CITY}-2026"
before = sql(f"select data from ledger.mt_doc_policyyear where id = '{policy_year}'", app)
sql(f"update ledger.mt_doc_policyyear set data = jsonb_set(data, '{{parameters,tiers,0,tierFen}}', '9000000') where id = '{policy_year}'", app)
forged.approve("A3 approved beyond the cap and the fund, by edited documents")
sql(f"update ledger.mt_doc_policyyear set data = '{before}'::jsonb where id = '{policy_year}'", app)
forged.notice()

# ---- a week later: payments ----
go_to("2026-02-11")
certificate = evidence(changed.officer, "certificate")
do(changed.officer, "POST", f"/api/members/{changed.member(3)}/death", {"on": "2026-02-05", "evidence": [certificate]})
do(changed.officer, "POST", f"/api/members/{changed.member(4)}/departure", {"collectiveId": changed.collective, "on": "2026-02-05", "reason": "户籍迁出"})
changed.contribute(changed.people[5:6], kind="一次性补缴", references=["SW370811CATCHUP"], on="2026-02-06")
for step, actor in (("reversal", tax), ("reversal/confirmation", tax2)):
    do(actor, "POST", f"/api/members/{changed.member(6)}/years/2026/contributions/SW{changed.code}20260006/{step}", {"confirmBy": tax2[0], "reason": "退保"} if step == "reversal" else None)
changed.application = gone
changed.pay(120 * 6, "NX20260211001", "B6 a dead, a departed, a catch-up and a reversed contribution paid")
changed.application = stale
changed.pay(300, "NX20260211002")

twice.application = first
twice.pay(300, "NX20260211TWICE", "B4 payment dated before the notice ended", effectiveDate="2026-02-05")
twice.application = second
twice.pay(300, "NX20260211TWICE", "B7 one bank reference for two payments")

# The notice is over, and a line is withdrawn: the page says one fewer than was printed.
do(meeting.officer, "POST", f"{meeting.path}/line-withdrawals", {"memberIds": [meeting.member(0)], "reason": "本人放弃"})
print("B9 a published notice that says less than it did")
objection = do(township, "POST", f"{meeting.path}/objections", {"text": "名单上有人未满十六周岁"})["objections"][0]["objectionId"]
fault("B8 an objection upheld by who raised it, without a person", township, "POST", f"{meeting.path}/objections/{objection}/answer", {"upheld": True, "answer": "属实"})
meeting.pay(25000, "NX20260211003", "B8 all paid")
forged.pay(6000, "NX20260211004", "A3 paid from money that is not there")
forged_now = sql(f"select data ->> 'allocatedFen' from ledger.mt_doc_fund where id = '{forged.fund}'", app)
print(f"A3 the fund's document says {forged_now} fen came in; 10000 did")

# ---- C13..C15: accounts ----
env = dict(settings)
subprocess.run(["dotnet", BUILD, "administrator", "--name", administrator[0], "--region", COUNTY], env=env, cwd=WORK, check=True, stdout=subprocess.DEVNULL)
for name, role, region in (("zhang.san", "village-finance", sound.code), ("zhang.san2", "village-finance", sound.code), ("public", "auditor", COUNTY), ("console", "agency", COUNTY),
                           ("li.reviewer", "agency", COUNTY), ("wang.approver", "agency", COUNTY)):
    fault(f"C14 C15 account {name}", administrator, "POST", "/api/accounts", {"name": name, "role": role, "region": region})
zhang, zhang2 = ("zhang.san", "village-finance", sound.code), ("zhang.san2", "village-finance", sound.code)
wrong = sound.money(77)["allocationId"]
do(zhang, "POST", f"/api/funds/{sound.fund}/allocations/{wrong}/reversal", {"confirmBy": zhang2[0], "reason": "错记"})
fault("C14 one person confirms his own reversal with a second account", zhang2, "POST", f"/api/funds/{sound.fund}/allocations/{wrong}/reversal/confirmation")
li, wang = ("li.reviewer", "agency", COUNTY), ("wang.approver", "agency", COUNTY)
fault("C14 reviewer delegates to approver", li, "POST", "/api/accounts/account-li.reviewer/delegations", {"to": wang[0], "until": "2026-03-10"})
fault("C14 approver delegates to reviewer", wang, "POST", "/api/accounts/account-wang.approver/delegations", {"to": li[0], "until": "2026-03-10"})

# ---- A1, A2: nobody is refused ----
for target in ("nothing", "nobody", "x" * 3000):
    fault(f"A1 anonymous refusal, {len(target)} characters", None, "POST", f"/api/notices/{target}/objections", {"text": "x"})

# ---- signed, stopped, kept ----
for _ in range(100):
    size, events = sql("select coalesce(max(size), 0) from ledger.log_checkpoint"), sql("select count(*) from ledger.mt_events")
    behind = sql("select (select max(seq_id) from ledger.mt_events) - (select min(last_seq_id) from ledger.mt_event_progression where name in ('AuditTrail:All', 'WorkQueue:All'))")
    if size == events and behind == "0":
        break
    time.sleep(0.2)
else:
    raise SystemExit("the log is not signed, or a read model is behind")
product.terminate()
product.wait(60)
subprocess.run([f"{BIN}/pg_dump", "-h", WORK, "-U", "ledger", "-Fc", "-Z", "9", "--no-owner", "--no-privileges", "-f", f"{HERE}/holes.dump", DATABASE], check=True)
for old in glob.glob(f"{HERE}/holes.keys/*"):
    os.remove(old)
os.makedirs(f"{HERE}/holes.keys", exist_ok=True)
for file in glob.glob(f"{WORK}/keys/*"):
    shutil.copy(file, f"{HERE}/holes.keys/")
as_postgres(f"{BIN}/pg_ctl", "-D", data, "-m", "fast", "-w", "stop")
print(f"{events} events, {os.path.getsize(f'{HERE}/holes.dump') >> 10} KB")
shutil.rmtree(WORK)
