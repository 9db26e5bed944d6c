using System.Collections;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;

namespace Ledger.Api.Commands;

/// <summary>A null among the elements of a list in a request: <c>body-invalid</c>. <paramref name="element"/>: which, as in <c>tiers[0]</c>.</summary>
public sealed class NullElementException(string element) : JsonException
{
    public string Field => Path is null or "$" ? element : $"{Path[2..]}.{element}";
}

/// <summary>No list of a request holds a null: the types say so, but the serializer looks at properties alone, not at elements.</summary>
public static class WholeLists
{
    public static void Check(JsonTypeInfo type)
    {
        var lists = type
            .Properties.Where(p => p.PropertyType.IsGenericType && p.PropertyType.IsAssignableTo(typeof(IEnumerable)))
            .ToList();
        if (lists.Count == 0)
            return;
        type.OnDeserialized = body =>
        {
            foreach (var property in lists)
                if (property.Get?.Invoke(body) is IEnumerable list && FirstNull(list) is { } index)
                    throw new NullElementException($"{property.Name}[{index}]");
        };
    }

    private static int? FirstNull(IEnumerable list)
    {
        var index = 0;
        foreach (var element in list)
        {
            if (element is null)
                return index;
            index++;
        }
        return null;
    }
}
