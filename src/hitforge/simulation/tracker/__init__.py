"""From crossings of silicon sensors to what they measure: stages, arrays in, arrays out."""
