#!/usr/bin/python3
"""Makes the cases X01 … X84 of files/ and the list of a story on the pages, as they came on 2026-11-27: by xlwt 1.3.0 (.xls as WPS writes it, with pinyin), openpyxl 3.0.9, and
LibreOffice 7.4.7 of Debian 12 (formulas worked out). Needs python3-xlwt, python3-openpyxl, libreoffice-calc-nogui.
Run in this folder: ./make.py   The tests read the files; they do not run this."""
import datetime, os, struct, subprocess, tempfile, zipfile
import openpyxl, xlwt
from openpyxl.styles import Alignment, Protection
from xlwt import BIFFRecords
from xlwt.UnicodeUtils import upack2

FILES = os.path.join(os.path.dirname(os.path.abspath(__file__)), 'files')
def at(name): return os.path.join(FILES, name)

PEOPLE = [('朱桂兰', '370811196203081909'), ('郭志刚', '37081119730504090X'), ('赵伟', '370811200412047909')]
ROSTER = ['姓名', '身份证号', '补助金额（元）']
PAID = ['姓名', '身份证号', '缴费档次（元）', '个人缴费金额（元）', '缴费日期', '缴费类型', '缴费凭证号']


# ---- .xls with pinyin: xlwt writes none, so the strings of the shared table get the extension that WPS and Excel write ([MS-XLS] ExtRst)
PINYIN = {'朱桂兰': 'zhū guì lán', '郭志刚': 'guō zhì gāng', '欧阳玉兰': 'ōu yáng yù lán', '孟文': 'mèng wén', '林建国': 'lín jiàn guó'}

def extension(text, sound):
    wide = sound.encode('utf-16-le')
    body = struct.pack('<HH', 0, 0x0037) + struct.pack('<HHH', 1, len(sound), len(sound)) + wide + struct.pack('<HHH', 0, 0, len(text))
    return struct.pack('<HH', 1, len(body)) + body

plain = BIFFRecords.SharedStringTable._add_to_sst
def with_pinyin(self, s):
    if s not in PINYIN:
        return plain(self, s)
    packed, more = upack2(s, self.encoding), extension(s, PINYIN[s])
    self._save_atom(packed[:2] + bytes([packed[2] | 4]) + struct.pack('<I', len(more)))
    self._save_splitted(packed[3:], True)
    self._save_splitted(more, False)
BIFFRecords.SharedStringTable._add_to_sst = with_pinyin


def xls(name, fill, **book):
    b = xlwt.Workbook(encoding='utf-8')
    b.dates_1904 = book.get('is1904', False)
    fill(b)
    b.save(at(name))

def rows(sheet, values, style=xlwt.Style.default_style, top=0):
    for r, row in enumerate(values, top):
        for c, v in enumerate(row):
            if v is not None:
                sheet.write(r, c, v, style)

def fmt(code): return xlwt.easyxf(num_format_str=code)

def xlsx(name, fill):
    b = openpyxl.Workbook()
    fill(b, b.active)
    b.save(at(name))

def text(name, content, encoding='utf-8', mark=b''):
    with open(at(name), 'wb') as f:
        f.write(mark + content.encode(encoding))

def convert(source, to, out):
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run(['soffice', '--headless', f'-env:UserInstallation=file://{folder}/profile', '--convert-to', to, '--outdir', folder, source],
                       check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        made = [f for f in os.listdir(folder) if f != 'profile'][0]
        with open(os.path.join(folder, made), 'rb') as f, open(at(out), 'wb') as g:
            g.write(f.read())

def by_libreoffice(out, to, fill):
    with tempfile.TemporaryDirectory() as folder:
        b = openpyxl.Workbook()
        fill(b, b.active)
        source = os.path.join(folder, 'source.xlsx')
        b.save(source)
        convert(source, to, out)


# ---- Rosters ------------------------------------------------------------------------------------------------------------------------
def x01(b):
    s = b.add_sheet('名单')
    s.write_merge(0, 0, 0, 3, '前屯村2026年度集体补助名单')
    rows(s, [['序号', '姓 名', '身份证号', '补助金额（元）']], top=1)
    for i, (name, number) in enumerate(PEOPLE):
        s.write(2 + i, 0, i + 1)
        if name == '赵伟':
            s.write_rich_text(2 + i, 1, [('赵', xlwt.easyfont('bold on')), '伟'])
        else:
            s.write(2 + i, 1, name)
        s.write(2 + i, 2, number)
        s.write(2 + i, 3, 120)
    s.write_merge(5, 5, 0, 2, '合计')
    s.write(5, 3, 360)
    s.write(6, 0, '制表人：王五')
xls('X01.xls', x01)

def x02(b):
    s = b.add_sheet('名单')
    rows(s, [ROSTER])
    s.write_merge(1, 2, 0, 0, '朱桂兰')
    rows(s, [[None, '370811196203081909', 120], [None, '37081119730504090X', 120]], top=1)
xls('X02.xls', x02)

def formulas(b, s):
    s.append(ROSTER)
    s.append(['="朱"&"桂兰"', '370811196203081909', '=60*2'])
    s.append(['郭志刚', '37081119730504090X', '=SUM(C2:C2)'])
by_libreoffice('X03.xls', 'xls', formulas)
by_libreoffice('X03b.xlsx', 'xlsx', formulas)

def errors(b, s):
    s.append(ROSTER)
    s.append(['朱桂兰', '370811196203081909', '=NA()'])
    s.append(['郭志刚', '=1/0', 120])
by_libreoffice('X04.xls', 'xls', errors)

def plain_roster(b, s):
    s.append(ROSTER)
    for name, number in PEOPLE:
        s.append([name, number, 120])
by_libreoffice('X05.ods', 'ods', plain_roster)
by_libreoffice('X05b.csv', 'csv:Text - txt - csv (StarCalc):44,34,76,1', plain_roster)

def x06(b):
    s = b.add_sheet('名单')
    rows(s, [ROSTER] + [[n, i, 120] for n, i in PEOPLE])
    s.protect, s.password = True, '123456'
    b.protect = True
xls('X06.xls', x06)

def x07(b):
    s = b.add_sheet('名单')
    rows(s, [ROSTER] + [[n, i, 120] for n, i in PEOPLE])
    s.col(2).hidden = True
    s.row(2).hidden = True
    s.row(2).height_mismatch, s.row(2).height = True, 0
xls('X07.xls', x07)

def x08(b, s):
    plain_roster(b, s)
    s.column_dimensions['C'].hidden = True
xlsx('X08.xlsx', x08)

text('X09.xls', '补助名单\n' + ''.join('\t'.join(r) + '\r\n' for r in [ROSTER] + [[n, i, '120.00'] for n, i in PEOPLE]), 'gb18030')
text('X10.csv', '一组名单\r\n' + ''.join(','.join(r) + '\r\n' for r in [ROSTER] + [[n, i, '120'] for n, i in PEOPLE]), 'utf-16-le')
text('X11.csv', 'sep=;\r\n' + ''.join(';'.join(r) + '\r\n' for r in [ROSTER] + [[n, i, '120'] for n, i in PEOPLE]), 'utf-8', b'\xef\xbb\xbf')
text('X12.csv', '"补助名单\r\n（2026年度）",,,\r\n\r\n姓名,身份证号,补助金额（元）,备注\r\n朱桂兰,370811196203081909,120,"现住\r\n""前屯""村"\r\n\r\n'
     '郭志刚,370811197305040901,120,\r\n')

def x13(b, s):
    s.append(['序号', '姓　名（必填）', '身份证号（１８位）＊', '补助金额(元)', '备注'])
    for i, (n, d) in enumerate(PEOPLE):
        s.append([i + 1, n, d, 120, None])
xlsx('X13.xlsx', x13)

def x14(b):
    s = b.add_sheet('名单')
    s.write_merge(0, 1, 0, 0, '序号')
    s.write_merge(0, 0, 1, 2, '个人信息')
    s.write(0, 3, '补助金额')
    rows(s, [[None, '姓名', '身份证号', '（元）']], top=1)
    rows(s, [[i + 1, n, d, 120] for i, (n, d) in enumerate(PEOPLE)], top=2)
xls('X14.xls', x14)

def x15(b, s):
    s.append(['村民小组', '姓名', '身份证号', '补助金额（元）'])
    s.append(['第一组', *PEOPLE[0], 120])
    s.append(['第一组小计', '1人', None, 120])
    s.append(['第二组', *PEOPLE[1], 120])
    s.append(['第二组', *PEOPLE[2], 120])
    s.append(['小  计', '2人', None, 240])
    s.append([None, '总 计', '3人', 360])
xlsx('X15.xlsx', x15)

SHOWN = [(0.5, '0%'), (119.996, '0.00'), (120000, '0.00,')]
def x16(b, s):
    s.append(ROSTER)
    for r, ((n, d), (value, code)) in enumerate(zip(PEOPLE, SHOWN), 2):
        s.append([n, d, value])
        s.cell(r, 3).number_format = code
xlsx('X16.xlsx', x16)

def x17(b):
    s = b.add_sheet('名单')
    rows(s, [ROSTER])
    for r, ((n, d), (value, code)) in enumerate(zip(PEOPLE, SHOWN), 1):
        rows(s, [[n, d]], top=r)
        s.write(r, 2, value, fmt(code))
xls('X17.xls', x17)

FINE = ['0"元"', '_ ￥* #,##0.00_ ;_ ￥* -#,##0.00_ ;_ ￥* "-"??_ ;_ @_ ', '[$¥-804]#,##0.00']
def x18(b, s):
    s.append(ROSTER)
    for r, ((n, d), code) in enumerate(zip(PEOPLE, FINE), 2):
        s.append([n, d, 120])
        s.cell(r, 3).number_format = code
xlsx('X18.xlsx', x18)

def x19(b, s):
    s.append(ROSTER)
    s.append([*PEOPLE[0], 120])
    s.cell(2, 3).number_format = 'yyyy/m/d'
xlsx('X19.xlsx', x19)

def x20(b, s):
    s.append(['序号', *ROSTER])
    for i in range(30):
        s.append([i + 1, *PEOPLE[i], 120] if i < 3 else [i + 1])
xlsx('X20.xlsx', x20)

def x21(b, s):
    s.append(ROSTER)
    for r, (n, d) in enumerate(PEOPLE, 2):
        s.append([n + '\u00a0 ', d + ' ', '120 '])
        for c in (2, 3):
            s.cell(r, c).quotePrefix = True
xlsx('X21.xlsx', x21)

def x22(b, s):
    plain_roster(b, s)
    s.protection.sheet, s.protection.password = True, '123456'
    s.auto_filter.ref = 'A1:C4'
    s.row_dimensions[3].hidden = True
    s.freeze_panes = 'A2'
xlsx('X22.xlsx', x22)

def x23(b):
    last = b.add_sheet('2025年')
    rows(last, [ROSTER, ['赵伟', '370811200412047909', 100]])
    last.visibility = 2
    s = b.add_sheet('2026年')
    rows(s, [ROSTER] + [[n, i, 120] for n, i in PEOPLE])
    b.active_sheet = 1
xls('X23.xls', x23)

text('X25.csv', ''.join(','.join(r) + '\r\n' for r in [ROSTER] + [[n, '\t' + i + '\t', '120'] for n, i in PEOPLE]), 'gb18030')
text('X26.xls', 'MIME-Version: 1.0\r\nContent-Type: multipart/related\r\n\r\n<html><table><tr><td>姓名</td></tr></table></html>')

def x27(b):  # the table of strings goes over several records, pinyin and runs across their ends
    s = b.add_sheet('名单')
    rows(s, [ROSTER + ['备注']] + [[n, i, 120, f'备注{k}：' + '长' * 900] for k, (n, i) in enumerate(PEOPLE)])
    for k in range(40):
        s.write_rich_text(6 + k, 5, [(f'{k}' * 7, xlwt.easyfont('bold on')), '注' * (101 + k)])
xls('X27.xls', x27)

def x60(b):
    s = b.add_sheet('名单')
    s.write_merge(0, 0, 0, 2, '前屯村补助名单')
    rows(s, [ROSTER, [*PEOPLE[0], 120]], top=2)
    rows(s, [['郭志刚', '123', 120], ['合计', None, 240]], top=5)
xls('X60.xls', x60)
text('X61.csv', '补助名单\n\n' + ','.join(ROSTER) + '\n朱桂兰,370811196203081909,"1\n20"\n\n郭志刚,123,120\n', 'utf-16')

# ---- What an hour of trying found on 2026-11-27 -----------------------------------------------------------------------------------------
def x70(b, s):
    s.append(['序号', *ROSTER])
    s.append(['栏次', 1, 2, 3])
    for i, (n, d) in enumerate(PEOPLE):
        s.append([i + 1, n, d, 120])
xlsx('X70.xlsx', x70)
text('X70b.csv', ''.join(','.join(r) + '\r\n' for r in [ROSTER, ['甲', '乙', '（1）'], [*PEOPLE[0], '120']]))

text('X71.csv', '交易日期,收入金额（元）,支出金额（元）,流水号\r\n20270110,,1,000.00,NX1\r\n')

def x72(b, s):
    s.append(['前屯村存款明细', None, None, '单位：万元'])
    s.append(['交易日期', '收入金额', '支出金额', '流水号'])
    s.append(['2027-01-10', None, 0.1, 'NX1'])
xlsx('X72.xlsx', x72)

def x73(b, s):
    s.append(['组', *ROSTER])
    s.append(['一组', *PEOPLE[0], 120])
    s.append(['一组 汇总', None, None, 120])
    s.append(['二组', *PEOPLE[1], 120])
    for foot in [['二组 汇总', None, None, 120], ['总计', '——', '/', 240], [None, '—以下空白—'], [None, '总人数：2人'], [None, '填表说明：1、本表一式三份'], [None, '2、由村委会填写'],
                 [None, '公示时间：2026年6月1日至7日'], [None, '监督电话：0537-1234567'], [None, '村民代表签字：']]:
        s.append(foot)
xlsx('X73.xlsx', x73)

def binary(name, content):
    with open(at(name), 'wb') as f:
        f.write(content)
binary('X74.dbf', bytes([0x03, 126, 3, 5]) + struct.pack('<IHH', 1, 65, 41) + bytes(20) + b'NAME'.ljust(11, b'\0') + b'C' + bytes(4) + b'\x14' + bytes(15) + b'\r'
       + b' ' + '朱桂兰'.encode('gb18030').ljust(20) + b'370811196203081909  ' + b'\x1a')
binary('X75.xls', struct.pack('<HHHH', 9, 4, 2, 16) + struct.pack('<HH', 10, 0))
text('X76.slk', 'ID;PWXL;N;E\r\nC;Y1;X1;K"姓名"\r\nC;Y1;X2;K"身份证号"\r\nE\r\n', 'gb18030')
binary('X77.gif', b'GIF89a' + bytes(range(256)))

def x81(b, s):
    s.append(['户主信息', None, '参保人信息', None, '补助金额（元）'])
    s.append(['姓名', '身份证号', '姓名', '身份证号'])
    s.append([*PEOPLE[1], *PEOPLE[0], 120])
    s.merge_cells('A1:B1')
    s.merge_cells('C1:D1')
xlsx('X81.xlsx', x81)

def x83(b, s):
    s.append(ROSTER)
    for (n, d), amount in zip(PEOPLE, ['(120)', '120.00-', '无']):
        s.append([n, d, amount])
xlsx('X83.xlsx', x83)

# ---- Members ------------------------------------------------------------------------------------------------------------------------
MEMBERS = ['姓名', '身份证号', '手机号', '银行卡号', '村民小组']
text('X24.csv', ''.join(','.join(r) + '\r\n' for r in [MEMBERS, ['王㼆', '370811197507010012', '', '', '第1组'], ['李𬭎', '370811197507010020', '', '', '第1组']]), 'gb18030')

def x37(b, s):
    s.append(MEMBERS)
    s.append(['卫一', '370811197507010039', None, None, datetime.date(2026, 3, 1)])
    s['E2'].number_format = 'm"月"d"日"'
xlsx('X37.xlsx', x37)

def x38(b, s):
    s.append(MEMBERS)
    s.append(['卫二', '370811197507010047', 13800138000, None, 3])
    s['C2'].number_format, s['E2'].number_format = '000-0000-0000', '"第"0"组"'
xlsx('X38.xlsx', x38)

text('X78.csv', ''.join(','.join(r) + '\r\n' for r in [MEMBERS, ['卫三', '370811197507030013', '', '6222021608001230000', '']]), 'gb18030')
text('X80.csv', ''.join(','.join(r) + '\r\n' for r in [MEMBERS, ['无', '370811197507030021', '', '', ''], ['同 上', '37081119750703003X', '', '', '']]))

# ---- Contributions ------------------------------------------------------------------------------------------------------------------
def x30(b):
    s = b.add_sheet('缴费')
    rows(s, [PAID, ['测壬', '370811197507020018', 300, 300, None, '正常缴费', 'X30A']])
    s.write(1, 4, datetime.date(2026, 3, 15), fmt('yyyy-mm-dd'))
xls('X30.xls', x30, is1904=True)

def x31(b):
    s = b.add_sheet('缴费')
    s.write_merge(0, 0, 0, 6, '2026年度缴费记录')
    rows(s, [PAID, ['测癸', '370811197507020026', 300, 300, None, None, 'X31A'], ['测子', '370811197507020034', 300, 300, None, None, 'X31B']], top=1)
    s.write_merge(2, 3, 4, 4, datetime.date(2026, 3, 15), fmt('m"月"d"日"'))
    s.write_merge(2, 3, 5, 5, '正常缴费')
xls('X31.xls', x31)

def x32(b, s):
    s.append(PAID)
    s.append(['测丑', '370811197507020042', 300, 300, 46096, '正常缴费', 'X32A'])
xlsx('X32.xlsx', x32)

text('X33.csv', ';'.join(PAID) + '\r\n' + '测寅;370811197507020050;300.00元;￥300.00;2026.3.15;正常缴费;X33A\r\n')

def x34(b, s):
    s.append(PAID)
    for k, day in enumerate(['26-3-15', '2026年3月', '3月15日', '2026-02-30']):
        s.append(['测卯', '370811197507020069', 300, 300, day, '正常缴费', f'X34{k}'])
xlsx('X34.xlsx', x34)

def x35(b, s):
    s.append(['姓名', '公民身份证号', '缴费档次', '个人缴费金额', '缴费日期', '缴费类型', '缴费凭证号'])
    s.append(['测辰', '370811197507020077', 300, 300, '2026/3/15', '正常缴费', 'X35A'])
xlsx('X35.xlsx', x35)

def x36(b, s):
    s.append(PAID)
    s.append(['测巳', '370811197507020085', 300, 299.996, '2026-03-15', '正常缴费', 'X36A'])
    s['D2'].number_format = '0'
xlsx('X36.xlsx', x36)

def x79(b, s):
    s.append(PAID)
    for name, number, reference in [('测午', '370811197507030048', '无'), ('测未', '370811197507030056', '320260618000123000000'), ('测申', '370811197507030064', '000')]:
        s.append([name, number, 300, 300, '2026-03-15', '正常缴费', reference])
xlsx('X79.xlsx', x79)

def x79b(b, s):
    s.append(PAID)
    s.append(['测酉', '370811197507030072', 300, 300, '2026-03-15', '正常\u200b 缴费', 'X79B'])
    s.append(['测戌', '370811197507030080', 300, 0.01, '2026-03-15', '正常缴费', 'X79C'])
xlsx('X79b.xlsx', x79b)

# ---- Receipts and statements of banks -----------------------------------------------------------------------------------------------
def x40(b):
    s = b.add_sheet('回执')
    rows(s, [['姓名', '身份证号', '入账金额（元）', '入账日期', '回执编号']])
    rows(s, [[*PEOPLE[0]], [*PEOPLE[1]]], top=1)
    s.write(1, 2, 1, fmt('0%'))
    s.write(2, 2, 100)
    s.write(1, 3, datetime.datetime(2027, 2, 1, 14, 30), fmt('yyyy/m/d h:mm'))
    s.write(2, 3, '2027-02-01')
    s.write(1, 4, 'HZ1')
    s.write(2, 4, datetime.date(2026, 3, 1), fmt('m-d'))
xls('X40.xls', x40)

text('X50.xls', '账号\t6222****1234\t\t\n\n交易日期\t收入金额（元）\t支出金额（元）\t流水号\n20270110\t-\t1,000.00\tNX0001\n20270110\t5,000.00\t--\tIN1\n'
     '合计\t5,000.00\t1,000.00\t\n第1页 共1页\n', 'gb18030')

def x51(b, s):
    s.append(['交易日期', '收入金额', '支出金额', '流水号'])
    s.append([datetime.datetime(2027, 1, 10, 23, 59, 59), None, 1000, 'NX0001'])
    s['A2'].number_format, s['C2'].number_format = 'yyyy-mm-dd hh:mm:ss', '#,##0.00_ '
xlsx('X51.xlsx', x51)


# Who moved away is struck through: the cell, or a part of what stands in it.
def x84(b, s):
    plain_roster(b, s)
    for cell in s[3]:
        cell.font = openpyxl.styles.Font(strike=True)
xlsx('X84.xlsx', x84)

def x84_xls(b):
    s = b.add_sheet('名单')
    rows(s, [ROSTER, [*PEOPLE[0], 120]])
    rows(s, [[*PEOPLE[1], 120]], xlwt.easyxf('font: struck_out on'), top=2)
    rows(s, [[*PEOPLE[2], 120]], top=3)
xls('X84.xls', x84_xls)

def x84b(b, s):
    plain_roster(b, s)
    s['A3'] = '王@@'
xlsx('X84b.xlsx', x84b)
with zipfile.ZipFile(at('X84b.xlsx')) as z:
    parts = {n: z.read(n) for n in z.namelist()}
runs = '<is><r><rPr><strike/><sz val="11"/></rPr><t>王芳</t></r><r><t>%s</t></r></is>' % PEOPLE[1][0]
escaped = lambda t: t.encode('ascii', 'xmlcharrefreplace')
sheet = 'xl/worksheets/sheet1.xml'
parts[sheet] = parts[sheet].replace(escaped('<is><t>王@@</t></is>'), escaped(runs))
with zipfile.ZipFile(at('X84b.xlsx'), 'w', zipfile.ZIP_DEFLATED) as z:
    for n, content in parts.items():
        z.writestr(n, content)
convert(at('X84b.xlsx'), 'xlsx', 'X84c.xlsx')

# ---- The list of a story on the pages (StoryTests): people of the sample's village ---------------------------------------------------
WPS = [('第1组', [('郑建国', '370811198409050656'), ('欧阳玉兰', '370811197803055443'), ('欧阳桂兰', '370811198807256000')]),
       ('第2组', [('孟文', '370811198311151352'), ('孟文', '370811198311151352'), ('林建国', '370811198910059718'), ('陈凤英', '370811197810099339')])]

def wps(b):
    s = b.add_sheet('补助名单')
    middle = xlwt.easyxf('align: horiz center, vert center')
    s.write_merge(0, 0, 0, 4, '前屯村2026年度居民养老保险集体补助名单', middle)
    rows(s, [['村民小组', '姓  名', '身份证号码', '补助金额（元）', '签字']], top=1)
    at = 2
    for group, people in WPS:
        s.write_merge(at, at + len(people) - 1, 0, 0, group, middle)
        for name, number in people:
            s.write(at, 1, name)
            s.write(at, 2, number)
            s.write(at, 3, 0.5 if name == '陈凤英' else 120, fmt('0%' if name == '陈凤英' else '0.00'))
            at += 1
    s.write_merge(at, at, 0, 2, '合计')
    s.write(at, 3, 840)
    s.write(at + 1, 0, '制表人：王五')
    s.write(at + 1, 2, '负责人（签字）：')
FILES = os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', '..', 'Ledger.Web.Tests', 'Files')
xls('wps.xls', wps)
