using Ledger.Client.Models;
using Microsoft.Kiota.Abstractions;
using Microsoft.Kiota.Abstractions.Serialization;

namespace Ledger.Client;

/// <summary>What takes a list as JSON takes it as a file; the generator knows the first of the two alone.</summary>
public static class FileCalls
{
    /// <summary>How a refusal of any status is read.</summary>
    public static readonly Dictionary<string, ParsableFactory<IParsable>> Errors = new()
    {
        ["4XX"] = Problem.CreateFromDiscriminatorValue,
        ["5XX"] = Problem.CreateFromDiscriminatorValue,
    };

    /// <summary>The same request with a file in the place of its JSON.</summary>
    /// <param name="field"><c>file</c>, or <c>roster</c> where it stands beside other fields.</param>
    /// <param name="fields">Those.</param>
    public static RequestInformation WithFile(
        this RequestInformation request,
        IRequestAdapter adapter,
        string field,
        byte[] content,
        string fileName,
        params (string Name, string Value)[] fields
    )
    {
        request.Headers.Remove("Content-Type");
        request.SetContentFromParsable(adapter, "multipart/form-data", Form(field, content, fileName, fields));
        return request;
    }

    /// <summary>A file, and the fields that stand beside it.</summary>
    public static MultipartBody Form(
        string field,
        byte[] content,
        string fileName,
        params (string Name, string Value)[] fields
    )
    {
        var form = new MultipartBody();
        form.AddOrReplacePart(field, "application/octet-stream", content, fileName);
        foreach (var (name, value) in fields)
            form.AddOrReplacePart(name, "text/plain", value);
        return form;
    }
}
