using System.Text.Json.Serialization.Metadata;
using Ledger.Domain;
using Ledger.Web;
using Microsoft.AspNetCore.Localization;
using Microsoft.Extensions.Localization;

namespace Ledger.Api.Pages;

/// <summary>
/// Chinese, and English for whoever asks: a program by <c>Accept-Language</c>, a person by choosing it on a page, which
/// a cookie remembers.
/// </summary>
public static class Languages
{
    public static readonly string[] All = ["zh-CN", "en"];

    public static void AddLanguages(this IServiceCollection services)
    {
        services.AddLocalization();
        services.AddTransient<IStringLocalizer<PageWords>, PageLocalizer>();
        services.Configure<RequestLocalizationOptions>(options =>
        {
            options.SetDefaultCulture(All[0]).AddSupportedCultures(All).AddSupportedUICultures(All);
            options.RequestCultureProviders = [new Asked()];
        });
    }

    /// <summary>Who looks at a page gets what was chosen there, not what the browser was sold with.</summary>
    private sealed class Asked : RequestCultureProvider
    {
        private readonly CookieRequestCultureProvider _chosen = new();
        private readonly AcceptLanguageHeaderRequestCultureProvider _header = new();

        public override Task<ProviderCultureResult?> DetermineProviderCultureResult(HttpContext http) =>
            http.Request.Headers.Accept.ToString().Contains("text/html", StringComparison.Ordinal)
            || !http.Request.Path.StartsWithSegments("/api")
                ? _chosen.DetermineProviderCultureResult(http)
                : _header.DetermineProviderCultureResult(http);
    }

    /// <summary>What is marked as said by the product leaves in the language that was asked for.</summary>
    public static void Say(JsonTypeInfo type)
    {
        foreach (var property in type.Properties)
            if (
                property.Get is { } get
                && property.AttributeProvider?.IsDefined(typeof(SaidAttribute), inherit: false) == true
            )
                property.Get = body => get(body) is string text ? English.Said(text) : null;
    }

    /// <summary>
    /// The words of the pages; what they show of the product's own texts is looked up where those are.
    /// </summary>
    private sealed class PageLocalizer(IStringLocalizerFactory factory) : IStringLocalizer<PageWords>
    {
        private readonly IStringLocalizer _words = factory.Create(typeof(PageWords));

        public LocalizedString this[string name] => new(name, Word(name) ?? English.Said(name, Word));

        private string? Word(string name) => _words[name] is { ResourceNotFound: false } found ? found.Value : null;

        public LocalizedString this[string name, params object[] arguments] => _words[name, arguments];

        public IEnumerable<LocalizedString> GetAllStrings(bool includeParentCultures) =>
            _words.GetAllStrings(includeParentCultures);
    }
}
