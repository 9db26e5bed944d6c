using System.Text.Json;
using System.Text.RegularExpressions;

namespace Ledger.Api.Tests;

/// <summary>
/// docker-compose.yml against the schema of the Compose Specification, and against what we promise of it. No container
/// engine runs here: that it starts is not tried.
/// </summary>
public sealed class ComposeTests
{
    private const string Read = """
        import json, sys, yaml, jsonschema
        compose = yaml.safe_load(open(sys.argv[1]))
        jsonschema.Draft7Validator(json.load(open(sys.argv[2]))).validate(compose)
        print(json.dumps(compose))
        """;

    private static readonly string Compose = Path.Combine(TourTests.Repository, "docker-compose.yml");

    private static (int Exit, string Output) Validate(string file) =>
        Programs.Run(
            "/usr/bin/python3",
            ["-c", Read, file, Path.Combine(TourTests.Repository, "deploy/compose/compose-spec.json")]
        );

    [Fact]
    public void The_compose_file_is_valid_and_shuts_each_service_in()
    {
        var (exit, said) = Validate(Compose);
        Assert.True(exit == 0, said);
        var services = JsonDocument.Parse(said).RootElement.GetProperty("services");
        string[] Secrets(string service) =>
            [.. services.GetProperty(service).GetProperty("secrets").EnumerateArray().Select(s => s.GetString()!)];
        Assert.Equal(["ConnectionStrings__Ledger"], Secrets("api")); // never the owner's
        foreach (var service in services.EnumerateObject())
        {
            Assert.True(service.Value.GetProperty("read_only").GetBoolean(), service.Name);
            Assert.Equal("ALL", service.Value.GetProperty("cap_drop")[0].GetString());
            foreach (var limit in (string[])["mem_limit", "pids_limit", "restart", "security_opt"])
                Assert.True(service.Value.TryGetProperty(limit, out _), $"{service.Name} has no {limit}");
            if (service.Value.TryGetProperty("ports", out var ports))
                Assert.All(ports.EnumerateArray(), p => Assert.StartsWith("127.0.0.1:", p.GetString()));
            if (service.Value.TryGetProperty("environment", out var environment))
                Assert.DoesNotContain("assword=", environment.GetRawText(), StringComparison.OrdinalIgnoreCase);
        }

        // What is built upon is named to the patch, and pg_dump is the server's.
        var dockerfile = File.ReadAllText(Path.Combine(TourTests.Repository, "deploy/compose/Dockerfile"));
        var images = Regex.Matches(dockerfile, "^FROM (\\S+)", RegexOptions.Multiline).Select(m => m.Groups[1].Value);
        Assert.All(images, image => Assert.Matches(@":\d+\.\d+", image));
        Assert.Contains(services.GetProperty("db").GetProperty("image").GetString(), images);
    }

    [Fact]
    public void A_word_that_compose_does_not_know_is_found()
    {
        var wrong = Path.GetTempFileName();
        File.WriteAllText(
            wrong,
            File.ReadAllText(Compose).Replace("read_only:", "readonly:", StringComparison.Ordinal)
        );
        var (exit, said) = Validate(wrong);
        File.Delete(wrong);
        Assert.True(exit != 0 && said.Contains("readonly", StringComparison.Ordinal), said);
    }
}
