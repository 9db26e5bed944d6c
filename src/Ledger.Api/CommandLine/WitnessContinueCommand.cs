using System.CommandLine;
using System.Text;
using Ledger.Api.Log;
using Ledger.TransparencyLog;

namespace Ledger.Api.CommandLine;

/// <summary>
/// <c>witness-continue</c>, on the witness's machine: its operator accepts that a log went on from an earlier entry
/// than the witness had seen. Without it a witness refuses such a log for good.
/// </summary>
public static class WitnessContinueCommand
{
    public static Command Of()
    {
        var folder = Call.Text("--folder", "目录", "见证方的目录 · the witness's folder", required: true);
        var log = Call.Text("--log", "日志公钥", "见证方所认识的 · the log's public key that it knows", required: true);
        var file = Call.Text(
            "--continuation",
            "回执文件",
            "日志一方交来的续接回执（.tlog-proof） · the receipt of the continuation",
            required: true
        );
        var reason = Call.Text("--reason", "理由", "为什么接受 · why it is accepted", required: true);
        var by = Call.Text("--by", "姓名", "谁决定 · who decides", required: true);
        var confirm = new Option<bool>("--confirm") { Description = "不再只是预览，照此办理 · do it" };
        var command = new Command(
            "witness-continue",
            "见证方接受日志的续接，所见过的作为分叉保留 · a witness accepts that a log was continued"
        )
        {
            folder,
            log,
            file,
            reason,
            by,
            confirm,
        };
        command.SetAction(call =>
        {
            try
            {
                return Run(
                    call.GetRequiredValue(folder),
                    NoteVerifier.Parse(call.GetRequiredValue(log)),
                    File.ReadAllText(call.GetRequiredValue(file)),
                    (call.GetRequiredValue(reason).Trim(), call.GetRequiredValue(by).Trim()),
                    call.GetValue(confirm)
                );
            }
            catch (NoteException e)
            {
                throw new OperationException($"不能接受：{e.Message}。It cannot be accepted.", inner: e);
            }
        });
        return command;
    }

    private static int Run(
        string folder,
        NoteVerifier log,
        string receipt,
        (string Reason, string By) who,
        bool confirmed
    )
    {
        var path = Witness.FileOf(folder, log.Name);
        var memory = new SignerMemory(path);
        var last =
            memory.Read()
            ?? throw new OperationException("见证方还没有见过这个日志，没有什么要接受。It has not seen this log yet.");
        var (next, said) = Witness.Continued(LogProof.Parse(receipt), last, [log]);
        Console.WriteLine($"日志 log            {said.Origin}");
        Console.WriteLine($"本方所见 seen here   {last.Size} 条，根 root {Convert.ToBase64String(last.Root)}");
        Console.WriteLine($"声明共同 shared      {said.Shared}");
        Console.WriteLine($"声明理由 reason      {said.Reason}");
        Console.WriteLine($"决定人 approved by   {string.Join("、", said.ApprovedBy)}");
        Console.WriteLine($"接受后从此继续 next   {next.Size} 条，根 root {Convert.ToBase64String(next.Root)}");
        Call.Report(
            new
            {
                Done = confirmed,
                Seen = last.Size,
                Next = next.Size,
                said.Reason,
                said.ApprovedBy,
            }
        );
        if (!confirmed)
        {
            Console.WriteLine(
                "这是预览，什么也没有改动；另行核实后，加上 --confirm 再运行一次。Nothing was done yet: --confirm."
            );
            return 0;
        }
        // What it saw stays, and what it was told, and who decided: nobody can say later that this witness never knew.
        memory.KeepFork(last);
        File.AppendAllText(
            $"{path}.continuations",
            $"{DateTimeOffset.UtcNow:O}\n{who.By}\n{who.Reason}\n{receipt}\n\n",
            new UTF8Encoding(false)
        );
        memory.Write(next);
        Console.WriteLine("已接受，见证方从此继续会签。Accepted: the witness goes on from there.");
        return 0;
    }
}
