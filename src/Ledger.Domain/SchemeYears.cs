namespace Ledger.Domain;

/// <summary>
/// The years that the ledger knows: pension insurance of the countryside began in 2009 (国发〔2009〕32号).
/// </summary>
public static class SchemeYears
{
    public const int First = 2009,
        Last = 2100;

    public const string Fault = "年度应在2009至2100之间";

    public static IEnumerable<int> All => Enumerable.Range(First, Last - First + 1);

    public static bool Has(int year) => year is >= First and <= Last;
}
