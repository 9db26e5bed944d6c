using System.Collections;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;

namespace Ledger.Store;

/// <summary>
/// Something of a request that no field takes: <c>body-invalid</c>. <paramref name="element"/>: which, as in
/// <c>tiers[0]</c>; the message says why.
/// </summary>
public sealed class UnfitElementException(string element, string why) : JsonException(why)
{
    public string Field => Path is null or "$" ? element : $"{Path[2..]}.{element}";
}

/// <summary>
/// What the serializer lets through. No list of a request, or of an event, holds a null: the types say so, but it looks
/// at properties alone, not at elements. And no text holds a NUL, which the database cannot hold.
/// </summary>
public static class WholeBodies
{
    private const string Null = "为空：列表中不能有空项",
        Nul = "含有空字符";

    public static void Check(JsonTypeInfo type)
    {
        var properties = type
            .Properties.Where(p =>
                p.PropertyType == typeof(string)
                || p.PropertyType.IsGenericType && p.PropertyType.IsAssignableTo(typeof(IEnumerable))
            )
            .ToList();
        if (properties.Count == 0)
            return;
        type.OnDeserialized = body =>
        {
            foreach (var property in properties)
                Require(property.Name, property.Get?.Invoke(body));
        };
    }

    private static void Require(string name, object? value)
    {
        if (value is string text)
        {
            if (text.Contains('\0'))
                throw new UnfitElementException(name, Nul);
        }
        else if (value is IEnumerable list)
        {
            var index = 0;
            foreach (var element in list)
            {
                if (element is null)
                    throw new UnfitElementException($"{name}[{index}]", Null);
                if (element is string)
                    Require($"{name}[{index}]", element);
                index++;
            }
        }
    }
}
