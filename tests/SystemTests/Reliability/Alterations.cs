using System.Net;
using System.Reflection;
using System.Runtime.CompilerServices;
using Netlink.Wire;

namespace SystemTests.Reliability;

/// <summary>Copies of a record, in each of which one field has another value.</summary>
internal static class Alterations
{
    /// <summary>The fields of a record: what <c>with</c> and its constructor can set.</summary>
    public static IEnumerable<FieldInfo> FieldsOf(Type record) =>
        record.GetFields(BindingFlags.Instance | BindingFlags.NonPublic).Where(
            field => field.IsDefined(typeof(CompilerGeneratedAttribute)));

    /// <summary>The name of the property that a field belongs to.</summary>
    public static string NameOf(FieldInfo field) => field.Name[1..field.Name.IndexOf('>', StringComparison.Ordinal)];

    /// <summary>All fields of a record, with their values.</summary>
    public static string Text<T>(T record)
        where T : notnull =>
        $"{record.GetType().Name}({string.Join(", ", FieldsOf(record.GetType()).Select(field => field.GetValue(record)))})";

    /// <summary>The copies with other values in a field; the kernel need not take all of them.</summary>
    public static IEnumerable<T> Of<T>(T record, FieldInfo field)
        where T : notnull =>
        Others(Nullable.GetUnderlyingType(field.FieldType) ?? field.FieldType, field.GetValue(record)).Select(value =>
        {
            object copy = Copy(record);
            field.SetValue(copy, value);
            return (T)copy;
        });

    private static object Copy(object record) =>
        record.GetType().IsValueType
            ? RuntimeHelpers.GetObjectValue(record)
            : record.GetType().GetMethod("<Clone>$")!.Invoke(record, null)!;

    private static IEnumerable<object?> Others(Type type, object? value)
    {
        IEnumerable<object?> others = value switch
        {
            _ when type.IsEnum => Enum.GetValues(type).Cast<object?>(),
            bool flag => [!flag],
            int number => [number + 1, number - 1, 0],
            uint number => [number + 1, number ^ 0x10000, number * 2, 0u],
            byte number => [(byte)(number + 1), (byte)(number ^ 0x10)],
            string text => [text + "x", "filter", "nat", "route", "eth0", "lo", "ports_ip", "ports_ip6", "dummy"],
            IPAddress address => [new IPAddress(Flipped(address.GetAddressBytes())), null],
            Bytes { Length: > 0 } bytes => [new Bytes(Flipped(bytes.Span)), new Bytes(Flipped(bytes.Span, first: true))],
            null when type == typeof(IPAddress) =>
                [IPAddress.Parse("192.168.12.98"), IPAddress.Parse("2001:db8:12::99"), IPAddress.Parse("203.0.113.99")],
            null when type == typeof(uint) => [17u],
            null when type == typeof(string) => ["x"],
            _ => [],
        };
        return others.Where(other => !Equals(other, value));
    }

    private static byte[] Flipped(ReadOnlySpan<byte> bytes, bool first = false)
    {
        byte[] copy = bytes.ToArray();
        copy[first ? 0 : ^1] ^= 1;
        return copy;
    }
}
