DROP FUNCTION translation_gaps;
