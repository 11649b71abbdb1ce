namespace Conclave.Layers;

/// <summary>What a <see cref="Value"/> is. The numbers are written to records and never change.</summary>
public enum ValueKind
{
    Null = 0,
    Boolean = 1,
    Integer = 2,
    Float = 3,
    String = 4,
    List = 5,
    Map = 6,
}
