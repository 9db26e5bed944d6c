using Ledger.Api.Sample;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Mvc.Testing;
using Microsoft.AspNetCore.TestHost;
using Microsoft.Extensions.DependencyInjection;

namespace Ledger.Web.Tests;

/// <summary>
/// The product on a socket, so that a browser reaches it, in this process, so that its days can pass: outside the
/// sample nothing of the product moves a clock.
/// </summary>
internal sealed class ClockedProduct(IReadOnlyDictionary<string, string> settings) : WebApplicationFactory<Program>
{
    public static ClockedProduct Start(IReadOnlyDictionary<string, string> settings)
    {
        var product = new ClockedProduct(settings);
        product.UseKestrel(0);
        product.StartServer();
        return product;
    }

    public Uri Address => ClientOptions.BaseAddress;

    public void Wait(TimeSpan time) => Services.GetRequiredService<SampleClock>().Advance(time);

    protected override void ConfigureWebHost(IWebHostBuilder web)
    {
        foreach (var (name, value) in settings)
            web.UseSetting(name.Replace("__", ":", StringComparison.Ordinal), value);
        web.UseSetting("Ledger:ClockMarginMinutes", "10000000");
        web.UseSetting("Ledger:RateLimit:PerUser", "0");
        web.UseSetting("Ledger:RateLimit:PerAddress", "0");
        web.UseSetting("Ledger:RateLimit:RefusalsPerMinute", "0");
        web.UseSetting("Logging:LogLevel:Default", "Warning");
        web.UseSetting("Logging:LogLevel:Marten", "None");
        web.ConfigureTestServices(s => s.AddSingleton<TimeProvider>(p => p.GetRequiredService<SampleClock>()));
    }
}
