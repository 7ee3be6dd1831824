-- a field may have two columns: its value, and since when it stands
UPDATE field_column SET field = 'f_' || field;
