namespace Vlm.Export.Tests;
