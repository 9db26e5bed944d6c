using System.Text.RegularExpressions;

namespace Ledger.Api.Tests;

/// <summary>
/// The Debian package: built, looked into, its units read by systemd's own checker; installed, at work, backed up,
/// upgraded, restored and removed on a copy of this machine (deploy/deb/try).
/// </summary>
public sealed class PackageTests
{
    [Fact]
    public async Task The_package_is_whole_and_works_from_installation_to_removal()
    {
        var folder = Directory.CreateTempSubdirectory("ledger-package");
        try
        {
            var (built, said) = await Task.Run(() =>
                Programs.Run(
                    $"{TourTests.Repository}/deploy/deb/build",
                    ["--no-build", folder.FullName],
                    ("CONFIGURATION", PublishTests.Configuration),
                    ("LEDGER_DEB_COMPRESSION", "none"),
                    ("LEDGER_DEB_VERSION", "1.0+20261128.080000.test")
                )
            );
            Assert.True(built == 0, said);
            var package = Directory.GetFiles(folder.FullName, "*.deb").Single();
            Assert.Contains(package, said);

            Contents(package);
            await UnitsAsync(package, Path.Combine(folder.FullName, "root"));
            if (Environment.UserName != "root")
                return; // a copy of the machine is root's to make
            var (tried, steps) = await Task.Run(() =>
                Programs.Run($"{TourTests.Repository}/deploy/deb/try", ["--short", package])
            );
            Assert.True(tried == 0 && steps.Contains("all as it should be", StringComparison.Ordinal), steps);
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    private static void Contents(string package)
    {
        var (_, control) = Programs.Run("dpkg-deb", ["--info", package]);
        Assert.Contains("Package: subsidy-ledger", control);
        Assert.Contains("Conflicts: ledger", control);
        Assert.Contains("postgresql-client", control);
        var (_, contents) = Programs.Run("dpkg-deb", ["--contents", package]);
        foreach (
            var file in (string[])
                [
                    "etc/ledger/ledger.json",
                    "usr/bin/ledger",
                    "usr/bin/ledger-verify",
                    "usr/sbin/ledger-county",
                    "usr/lib/ledger/Ledger.Api.dll",
                    "usr/lib/ledger/appsettings.json",
                    "usr/lib/ledger/verify/ledger-verify.dll",
                    "usr/lib/ledger/runtime/dotnet",
                    "usr/lib/systemd/system/ledger@.service",
                    "usr/lib/systemd/system/ledger-backup@.timer",
                    "usr/lib/systemd/system/ledger-rehearse@.timer",
                    "usr/share/doc/subsidy-ledger/operations.md",
                    "usr/share/doc/subsidy-ledger/copyright",
                ]
        )
            Assert.Contains($" ./{file}\n", contents);
        // Nobody but root writes where programs are, and nothing in it is secret.
        Assert.All(
            contents.Split('\n', StringSplitOptions.RemoveEmptyEntries),
            line =>
            {
                Assert.Contains(" root/root ", line);
                Assert.Matches("^[-d]rw[-x]r-[-x]r-[-x] ", line);
            }
        );
        Assert.DoesNotContain(".pdb\n", contents);
        Assert.DoesNotContain("appsettings.Production.json", contents);
    }

    private static async Task UnitsAsync(string package, string root)
    {
        await Programs.RequireAsync("dpkg-deb", "--extract", package, root);
        var units = Path.Combine(root, "usr/lib/systemd/system");
        foreach (var name in (string[])["ledger@", "ledger-backup@", "ledger-rehearse@"])
        {
            // Of the units that Debian has, none is in this root: their absence is no fault of ours.
            var (_, wrong) = Programs.Run(
                "systemd-analyze",
                ["verify", "--man=no", "--recursive-errors=no", $"--root={root}", $"{name}370811.service"]
            );
            Assert.True(wrong.Trim().Length == 0, wrong);
            var (_, exposed) = Programs.Run(
                "systemd-analyze",
                ["security", "--offline=true", $"--root={root}", "--no-pager", $"{name}370811.service"]
            );
            var level = Regex.Match(exposed, @"exposure level for .*: ([0-9.]+)");
            Assert.True(level.Success, exposed);
            Assert.InRange(double.Parse(level.Groups[1].Value), 0, 2.5);
        }
        // The jobs are shut in as the product is.
        var sandbox = Sandbox("ledger@");
        Assert.True(sandbox.Count > 20);
        Assert.All((string[])["ledger-backup@", "ledger-rehearse@"], job => Assert.Equal(sandbox, Sandbox(job)));

        List<string> Sandbox(string name) =>
            [
                .. File.ReadLines(Path.Combine(units, $"{name}.service"))
                    .SkipWhile(l => !l.StartsWith("User=", StringComparison.Ordinal))
                    .TakeWhile(l => !l.StartsWith('['))
                    .Where(l => l.Contains('=')),
            ];
    }
}
